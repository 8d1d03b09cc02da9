UPDATE inputs SET available = 0 WHERE id = ?1
