-- Outcomes between two rows, by kind.
SELECT outcome, count(*) FROM outcomes WHERE job = ?1 AND row >= ?2 AND row < ?3 GROUP BY outcome
