UPDATE onward.jobs SET name = $2, tuning = $3, updated_at = $4 WHERE id = $1
