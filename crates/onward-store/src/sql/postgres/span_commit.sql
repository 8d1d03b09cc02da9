-- The commit: what is written, and under which fence, says the function (migrations/0010_commit_rows.sql).
SELECT onward.commit_rows(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
    $24, $25, $26, $27
)
