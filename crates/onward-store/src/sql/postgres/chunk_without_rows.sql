-- A chunk without its rows.
SELECT chunks.first_row, chunks.row_count, chunks.digest, ''::bytea, duplicates.pairs
FROM onward.inputs JOIN onward.chunks ON chunks.input = inputs.id
LEFT JOIN onward.duplicates ON duplicates.input = chunks.input AND duplicates.no = chunks.no
WHERE inputs.uuid = $1 AND chunks.no = $2
