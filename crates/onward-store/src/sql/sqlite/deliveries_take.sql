-- ?1 now, ?2 beyond which no hold can end, ?3 the sender, ?4 until when he has them, ?5 how many.
UPDATE deliveries SET epoch = epoch + 1, holder = ?3, held_until = ?4
WHERE no IN (SELECT no FROM deliveries WHERE state = 'waiting' AND next_at <= ?1
             AND (held_until IS NULL OR held_until <= ?1 OR held_until > ?2)
             ORDER BY next_at, no LIMIT ?5)
RETURNING no
