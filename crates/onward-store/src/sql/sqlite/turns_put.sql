-- Moves the mark of a job's shared rate.
INSERT INTO turns (job, mark_us) VALUES (?1, ?2)
ON CONFLICT (job) DO UPDATE SET mark_us = excluded.mark_us
