INSERT INTO events (job, at, kind, actor, epoch, from_row, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
