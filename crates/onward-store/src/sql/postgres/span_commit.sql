-- The commit: what is written, and under which fence, says the function (migrations/0007_commit.sql).
SELECT moved.*, set_config('synchronous_commit', 'on', true)
FROM onward.span_commit(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
    $24, $25, $26, $27
) AS moved (rows integer, added integer, failed integer, skipped integer, filtered integer, filled boolean,
            worker text)
