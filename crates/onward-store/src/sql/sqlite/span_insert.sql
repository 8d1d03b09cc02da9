INSERT INTO spans (job, no, first_row, row_count, low_water, claimed_until) VALUES (?1, ?2, ?3, ?4, ?3, ?3)
