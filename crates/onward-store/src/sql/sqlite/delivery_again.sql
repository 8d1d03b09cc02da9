-- Due now (?3), unless somebody sends it at this moment; ?4 is beyond which no hold can end.
UPDATE deliveries SET state = 'waiting', failures = 0, begun_at = ?3, next_at = ?3, holder = NULL, held_until = NULL
WHERE id = ?2 AND job = (SELECT id FROM jobs WHERE uuid = ?1)
  AND (held_until IS NULL OR held_until <= ?3 OR held_until > ?4)
