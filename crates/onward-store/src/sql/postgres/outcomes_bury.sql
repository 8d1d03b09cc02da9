-- Records of rows that are gone (they move beyond $3) to the history: from the first row on that moves ($2).
WITH taken AS (
    DELETE FROM onward.outcomes
    WHERE job = $1 AND row >= $2
      AND row + (SELECT delta FROM onward.moves WHERE moves.job = $1 AND moves.first <= outcomes.row
                 ORDER BY moves.first DESC LIMIT 1) >= $3
    RETURNING *
)
INSERT INTO onward.history
    (finished_at, epoch, job, row, generation, tries, duration_ms, outcome, key, code, message, result)
SELECT finished_at, epoch, job, row, generation, tries, duration_ms, outcome, key, code, message, result
FROM taken
ON CONFLICT DO NOTHING
