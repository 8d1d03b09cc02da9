-- What a row ended with before it was opened again, oldest first.
SELECT row, key, outcome, code, message, result, tries, duration_ms, finished_at, epoch, generation
FROM history WHERE job = ?1 AND row = ?2 ORDER BY generation
