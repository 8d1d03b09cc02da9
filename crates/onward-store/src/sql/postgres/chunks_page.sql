-- Some chunks with their bytes, for verify.
SELECT chunks.no, first_row, chunks.row_count, digest, packed
FROM onward.inputs JOIN onward.chunks ON chunks.input = inputs.id
WHERE inputs.uuid = $1 AND chunks.no >= $2 ORDER BY chunks.no LIMIT $3
