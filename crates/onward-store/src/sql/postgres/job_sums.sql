-- All jobs, and the failed rows of those that changed since a moment.
SELECT (SELECT count(*) FROM onward.jobs), coalesce(sum(counted.failed), 0)::bigint
FROM onward.jobs JOIN (
    SELECT job, failed FROM onward.span_sums
    UNION ALL
    SELECT job, failed FROM onward.spans WHERE state = 'leased'
) AS counted ON counted.job = jobs.id
WHERE jobs.updated_at >= $1
   OR jobs.state = 'running' AND (
       EXISTS (SELECT 1 FROM onward.span_sums AS beat WHERE beat.job = jobs.id AND beat.beat_ms >= $1)
       OR EXISTS (SELECT 1 FROM onward.spans AS beat
                  WHERE beat.job = jobs.id AND beat.state = 'leased' AND beat.beat_ms >= $1))
