DELETE FROM answers WHERE key = ?1
