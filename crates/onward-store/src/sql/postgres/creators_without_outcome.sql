-- Creators of a job whose row the ledger never had as added, now or before a retry.
SELECT creators.row FROM onward.creators
WHERE creators.job = $1
  AND NOT EXISTS (SELECT 1 FROM onward.outcomes
                  WHERE outcomes.job = $1 AND outcomes.row = creators.row AND outcomes.outcome = 0)
  AND NOT EXISTS (SELECT 1 FROM onward.history
                  WHERE history.job = $1 AND history.row = creators.row AND history.outcome = 0)
ORDER BY creators.row LIMIT $2
