SELECT fingerprint, status, body FROM onward.answers WHERE key = $1
