-- How many rows of a job are in doubt. It reads those beyond the first missing row (?2) alone: so many calls as
-- were under way when spans were lost, and none where that never happened.
SELECT count(*) FROM doubts
WHERE job = ?1 AND row >= ?2
  AND NOT EXISTS (SELECT 1 FROM outcomes WHERE outcomes.job = doubts.job AND outcomes.row = doubts.row)
