-- Rows of a job in doubt from $2 up to $3 that have no outcome.
SELECT row, since, deaths, died_alone, stand FROM onward.doubts
WHERE job = (SELECT id FROM onward.jobs WHERE uuid = $1) AND row >= $2 AND row < $3
  AND NOT EXISTS (SELECT 1 FROM onward.outcomes WHERE outcomes.job = doubts.job AND outcomes.row = doubts.row)
ORDER BY row LIMIT $4
