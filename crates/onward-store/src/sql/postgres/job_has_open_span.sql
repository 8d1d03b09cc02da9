-- Whether a job has a span that is not done. Two indexes that hold nothing else know it at once,
-- however many spans the job has.
SELECT EXISTS (SELECT 1 FROM onward.spans WHERE spans.job = jobs.id AND spans.state = 'free')
    OR EXISTS (SELECT 1 FROM onward.spans WHERE spans.job = jobs.id AND spans.state = 'leased')
FROM onward.jobs WHERE uuid = $1
