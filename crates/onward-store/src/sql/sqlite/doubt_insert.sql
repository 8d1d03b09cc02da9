INSERT OR REPLACE INTO doubts (job, row, since, deaths, died_alone, stand) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
