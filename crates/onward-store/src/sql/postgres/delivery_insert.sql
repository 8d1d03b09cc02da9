-- A delivery; one that is there already stays as it is.
INSERT INTO onward.deliveries (id, job, hook, event, notice, begun_at, next_at) VALUES ($1, $2, $3, $4, $5, $6, $6)
ON CONFLICT (id) DO NOTHING
