-- From now on the row ?4 of a span is tried alone, under the epoch ?5. Rows are tried in row order, each once
-- under an epoch: what is sent again late changes nothing.
UPDATE doubts SET alone = (row = ?4), tried_under = CASE WHEN row = ?4 THEN ?5 ELSE tried_under END
WHERE job = ?1 AND row >= ?2 AND row < ?3 AND (alone = 1 OR row = ?4)
  AND NOT EXISTS (SELECT 1 FROM doubts AS tried
                  WHERE tried.job = ?1 AND tried.row >= ?4 AND tried.row < ?3 AND tried.tried_under = ?5)
