-- Adds a creator unless its list has it.
INSERT OR IGNORE INTO creators (list, key, data, job, row, added_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
