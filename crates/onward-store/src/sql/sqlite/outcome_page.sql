-- Records in row order, whatever their outcome.
SELECT row, key, outcome, code, message, result, tries, duration_ms, finished_at, epoch, generation
FROM outcomes WHERE job = ?1 AND row >= ?2 AND row <= ?3 ORDER BY row
