-- Records of some rows ($2) to the history.
WITH taken AS (
    DELETE FROM onward.outcomes WHERE job = $1 AND row = ANY ($2::integer[]) RETURNING *
)
INSERT INTO onward.history
    (finished_at, epoch, job, row, generation, tries, duration_ms, outcome, key, code, message, result)
SELECT finished_at, epoch, job, row, generation, tries, duration_ms, outcome, key, code, message, result
FROM taken
ON CONFLICT DO NOTHING
