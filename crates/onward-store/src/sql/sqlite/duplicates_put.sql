INSERT OR REPLACE INTO duplicates (input, no, pairs) VALUES (?1, ?2, ?3)
