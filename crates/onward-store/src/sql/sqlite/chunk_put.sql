INSERT OR REPLACE INTO chunks (input, no, first_row, row_count, digest, packed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
