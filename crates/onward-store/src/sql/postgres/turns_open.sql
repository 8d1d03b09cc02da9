-- A place for the mark of a job's shared rate.
INSERT INTO onward.turns (job) SELECT id FROM onward.jobs
WHERE uuid = $1 AND NOT EXISTS (SELECT 1 FROM onward.turns WHERE job = jobs.id)
ON CONFLICT DO NOTHING
