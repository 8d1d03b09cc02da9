SELECT no, first_row, row_count, state, low_water, claimed_until, added, failed, skipped, filtered
FROM spans WHERE job = ?1 ORDER BY no
