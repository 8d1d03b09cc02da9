-- Whether somebody holds a span of a job.
SELECT EXISTS (SELECT 1 FROM onward.spans WHERE job = (SELECT id FROM onward.jobs WHERE uuid = $1) AND state = 'leased')
