-- The inner key of a job.
SELECT id FROM jobs WHERE uuid = ?1
