-- Rows that ended for the same reason, most first.
SELECT coalesce(code, 'added'), coalesce(message, 'added'), count(*), min(row), max(row)
FROM onward.outcomes JOIN onward.jobs ON jobs.id = outcomes.job
WHERE jobs.uuid = $1 AND outcome = $2
GROUP BY 1, 2 ORDER BY 3 DESC, 4 LIMIT $3
