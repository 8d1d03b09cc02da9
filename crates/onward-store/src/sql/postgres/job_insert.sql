-- A queued job over a sealed input.
INSERT INTO onward.jobs (uuid, name, state, total, created_at, updated_at, input, recipe, work_digest, tuning)
VALUES ($1, $2, 'queued', $3, $4, $4, $5, $6, $7, $8)
RETURNING id
