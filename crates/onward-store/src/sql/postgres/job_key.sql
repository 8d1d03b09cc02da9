-- The inner key of a job.
SELECT id, epoch FROM onward.jobs WHERE uuid = $1
