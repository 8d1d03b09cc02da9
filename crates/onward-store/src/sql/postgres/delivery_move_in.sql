-- A delivery of a job that moves in; one that is there already stays as it is.
INSERT INTO onward.deliveries (id, job, hook, event, notice, state, tries, failures, begun_at, next_at, tried_at,
                               status, message, epoch)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (id) DO NOTHING
