-- Rows of the chunks after one ($2) that repeat an earlier row of the file: eight bytes each.
SELECT coalesce(sum(length(duplicates.pairs) / 8), 0)::bigint
FROM onward.inputs JOIN onward.duplicates ON duplicates.input = inputs.id
WHERE inputs.uuid = $1 AND duplicates.no > $2
