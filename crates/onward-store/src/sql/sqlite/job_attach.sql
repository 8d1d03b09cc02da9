-- Another input under a job.
UPDATE jobs SET input = ?2, total = ?3, work_digest = ?4 WHERE id = ?1
