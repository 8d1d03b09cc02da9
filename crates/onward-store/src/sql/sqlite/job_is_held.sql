-- Whether somebody holds a span of a job.
SELECT EXISTS (SELECT 1 FROM spans WHERE job = ?1 AND state = 'leased')
