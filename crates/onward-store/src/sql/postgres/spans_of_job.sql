SELECT no, first_row, row_count, state, low_water, added, failed, skipped, filtered
FROM onward.spans WHERE job = $1 ORDER BY no
