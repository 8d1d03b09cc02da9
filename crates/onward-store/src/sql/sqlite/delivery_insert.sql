INSERT INTO deliveries (id, job, hook, event, notice, begun_at, next_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
ON CONFLICT (id) DO NOTHING
