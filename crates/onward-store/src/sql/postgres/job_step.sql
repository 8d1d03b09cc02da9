-- A step of a job: written only where state and epoch are what was seen.
UPDATE onward.jobs SET state = $4, epoch = $5, pause = $6, error = $7, attempt = $8, generation = $9,
       started_at = $10, updated_at = $11, finished_at = $12, attempt_at = $13, tuning = $14
WHERE id = $1 AND state = $2 AND epoch = $3
