-- What came of a call, under the epoch ($2) under which it was taken. $5 is the wait until the next one.
UPDATE onward.deliveries SET state = $3, next_at = $4::bigint + $5, tries = tries + 1, failures = failures + $6,
       tried_at = $4, status = $7, message = $8, holder = NULL, held_until = NULL
WHERE id = $1 AND epoch = $2 AND holder IS NOT NULL
