-- Records that retries took out of the ledger, after (row, generation).
SELECT row, key, outcome, code, message, result, tries, duration_ms, finished_at, epoch, generation
FROM history WHERE job = ?1 AND (row, generation) > (?2, ?3) ORDER BY row, generation LIMIT ?4
