-- The claim: which span, and for whom, says the function (migrations/0012_looks.sql).
SELECT span_no, span_first, span_rows, until_row, rows_done, under, in_generation, is_doubted, from_input
FROM onward.claim_span($1, $2, $3, $4, $5, $6)
