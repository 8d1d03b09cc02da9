-- A chunk without its rows.
SELECT chunks.first_row, chunks.row_count, chunks.digest, x'', duplicates.pairs
FROM inputs JOIN chunks ON chunks.input = inputs.id
LEFT JOIN duplicates ON duplicates.input = chunks.input AND duplicates.no = chunks.no
WHERE inputs.uuid = ?1 AND chunks.no = ?2
