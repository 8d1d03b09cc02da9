SELECT fingerprint, status, body FROM answers WHERE key = ?1
