-- After a retry: the counter of one outcome goes down, and the first missing row is another one.
UPDATE spans SET added = ?3, failed = ?4, skipped = ?5, filtered = ?6, low_water = ?7, state = 'free', epoch = ?8,
       worker = NULL, lease_until_ms = NULL, waiting_row = NULL, waiting_since_ms = NULL
WHERE job = ?1 AND no = ?2
