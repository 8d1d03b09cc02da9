-- Records of plain successes in row order.
SELECT row, key, outcome, code, message, result, tries, duration_ms, finished_at, epoch, generation
FROM outcomes WHERE job = ?1 AND row >= ?2 AND row <= ?3 AND outcome = 0 ORDER BY row
