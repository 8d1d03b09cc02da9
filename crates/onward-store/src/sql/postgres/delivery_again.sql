-- Due now ($3), unless somebody sends it at this moment; no hold is longer than $4.
UPDATE onward.deliveries SET state = 'waiting', failures = 0, begun_at = $3, next_at = $3, holder = NULL,
       held_until = NULL
WHERE id = $2 AND job = (SELECT id FROM onward.jobs WHERE uuid = $1)
  AND (held_until IS NULL OR held_until <= $3 OR held_until > $3 + 2 * $4)
