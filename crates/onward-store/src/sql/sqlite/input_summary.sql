SELECT summary FROM inputs WHERE uuid = ?1 AND sealed_at IS NOT NULL
