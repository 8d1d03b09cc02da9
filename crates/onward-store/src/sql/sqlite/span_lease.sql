UPDATE spans SET state = 'leased', epoch = ?3, worker = ?4, lease_until_ms = ?5, low_water = ?6,
       claimed_until = ?7, waiting_row = NULL, waiting_since_ms = NULL
WHERE job = ?1 AND no = ?2 AND state = 'free'
