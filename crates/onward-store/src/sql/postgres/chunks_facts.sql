-- The chunks of an input one by one, for sealing.
SELECT no, first_row, row_count FROM onward.chunks WHERE input = $1 ORDER BY no
