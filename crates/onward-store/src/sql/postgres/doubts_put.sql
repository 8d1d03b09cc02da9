-- A span ($2) of a job ($1) was taken from its holder, whose epoch was $3. Its rows without an outcome that
-- may have been called are in doubt: the one that was tried alone, or all up to the mark. $4 is the moment,
-- $5 the deaths to be added, $6 where they stand. One that waits for a person, or that a person has settled,
-- was not called.
WITH span AS MATERIALIZED (
    SELECT * FROM onward.spans WHERE job = $1 AND no = $2
), alone AS (
    UPDATE onward.doubts
    SET since = $4, deaths = doubts.deaths + $5, died_alone = doubts.died_alone OR $5 > 0, stand = $6
    FROM span
    WHERE doubts.job = span.job AND doubts.row >= span.first_row
      AND doubts.row < span.first_row + span.row_count AND doubts.tried_under = $3
      AND doubts.alone
    RETURNING doubts.row
)
INSERT INTO onward.doubts (job, row, since, deaths, stand)
SELECT span.job, called.row::integer, $4, $5, $6
FROM span, generate_series(span.first_row, span.claimed_until - 1) AS called (row)
WHERE NOT EXISTS (SELECT 1 FROM alone)
  AND NOT EXISTS (SELECT 1 FROM onward.outcomes
                  WHERE outcomes.job = span.job AND outcomes.row = called.row::integer)
ON CONFLICT (job, row) DO UPDATE
SET since = excluded.since, deaths = doubts.deaths + excluded.deaths, stand = excluded.stand
WHERE doubts.stand = 'again'
