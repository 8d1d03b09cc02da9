SELECT id, sealed_at, available FROM inputs WHERE uuid = ?1
