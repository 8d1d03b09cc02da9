-- Records that retries took out of the ledger, after (row, generation).
SELECT history.row, key, outcome, code, message, result, tries, duration_ms, history.finished_at, history.epoch,
       history.generation
FROM onward.history JOIN onward.jobs ON jobs.id = history.job
WHERE jobs.uuid = $1 AND (history.row, history.generation) > ($2, $3)
ORDER BY history.row, history.generation LIMIT $4
