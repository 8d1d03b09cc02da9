SELECT summary FROM onward.inputs WHERE uuid = $1 AND sealed_at IS NOT NULL
