-- What a row ended with before it was opened again, oldest first.
SELECT history.row, key, outcome, code, message, result, tries, duration_ms, history.finished_at, history.epoch,
       history.generation
FROM onward.history JOIN onward.jobs ON jobs.id = history.job
WHERE jobs.uuid = $1 AND history.row = $2 ORDER BY history.generation
