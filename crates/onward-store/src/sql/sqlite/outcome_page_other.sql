-- Records of one outcome in row order, by the index of those that are no plain success.
SELECT row, key, outcome, code, message, result, tries, duration_ms, finished_at, epoch, generation
FROM outcomes INDEXED BY outcomes_other
WHERE job = ?1 AND row >= ?2 AND row <= ?3 AND outcome <> 0 AND outcome = ?4 ORDER BY row
