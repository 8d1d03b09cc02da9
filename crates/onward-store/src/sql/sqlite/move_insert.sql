INSERT INTO moves (job, first, delta) VALUES (?1, ?2, ?3)
