-- Its holder gives it back.
UPDATE spans SET state = 'free', worker = NULL, lease_until_ms = NULL, waiting_row = NULL,
       waiting_since_ms = NULL
WHERE job = ?1 AND no = ?2 AND epoch = ?3 AND state = 'leased'
