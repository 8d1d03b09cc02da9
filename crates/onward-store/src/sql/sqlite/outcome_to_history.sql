INSERT OR REPLACE INTO history
    (job, row, generation, outcome, key, finished_at, epoch, tries, duration_ms, code, message, result)
SELECT job, row, generation, outcome, key, finished_at, epoch, tries, duration_ms, code, message, result
FROM outcomes WHERE job = ?1 AND row = ?2
