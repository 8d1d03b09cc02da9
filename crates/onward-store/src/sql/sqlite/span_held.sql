-- A span, to compare its fence and to add to its counters.
SELECT state, epoch, first_row, row_count, low_water, claimed_until, added, failed, skipped, filtered
FROM spans WHERE job = ?1 AND no = ?2
