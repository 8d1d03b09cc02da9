-- Queued or running jobs with a span nobody holds, oldest first.
SELECT uuid FROM onward.jobs
WHERE state IN ('queued', 'running')
  AND EXISTS (SELECT 1 FROM onward.spans WHERE spans.job = jobs.id AND spans.state = 'free')
ORDER BY uuid LIMIT $1
