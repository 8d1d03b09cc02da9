-- What came of a call, under the epoch (?2) under which it was taken.
UPDATE deliveries SET state = ?3, next_at = ?4, tries = tries + 1, failures = failures + ?5, tried_at = ?6,
       status = ?7, message = ?8, holder = NULL, held_until = NULL
WHERE id = ?1 AND epoch = ?2 AND holder IS NOT NULL
