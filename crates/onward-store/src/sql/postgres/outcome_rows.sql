-- Which rows of a span have an outcome.
SELECT coalesce(array_agg(row), '{}') FROM onward.outcomes
WHERE job = (SELECT id FROM onward.jobs WHERE uuid = $1) AND row >= $2 AND row < $3
