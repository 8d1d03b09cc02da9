-- All jobs, and the failed rows of those that changed since a moment.
SELECT (SELECT count(*) FROM onward.jobs), coalesce(sum(spans.failed), 0)::bigint
FROM onward.jobs JOIN onward.spans ON spans.job = jobs.id
WHERE jobs.updated_at >= $1
   OR jobs.state = 'running'
      AND EXISTS (SELECT 1 FROM onward.spans AS beat WHERE beat.job = jobs.id AND beat.beat_ms >= $1)
