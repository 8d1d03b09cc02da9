-- The chunks of an input one by one, for verify and for sealing.
SELECT no, first_row, row_count FROM chunks WHERE input = ?1 ORDER BY no
