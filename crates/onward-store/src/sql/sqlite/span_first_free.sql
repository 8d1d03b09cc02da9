SELECT no, first_row, row_count, claimed_until FROM spans WHERE job = ?1 AND state = 'free' ORDER BY no LIMIT 1
