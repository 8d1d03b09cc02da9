-- All jobs, and the failed rows of those that changed since a moment: of jobs with failed rows alone, for no other adds
-- anything.
SELECT (SELECT count(*) FROM onward.jobs), coalesce(sum(counted.failed), 0)::bigint
FROM (
    SELECT job, failed FROM onward.span_sums WHERE failed > 0
    UNION ALL
    SELECT job, failed FROM onward.spans WHERE state = 'leased' AND failed > 0
) AS counted JOIN onward.jobs ON jobs.id = counted.job
WHERE jobs.updated_at >= $1
   OR jobs.state = 'running' AND (
       EXISTS (SELECT 1 FROM onward.span_sums AS beat WHERE beat.job = jobs.id AND beat.beat_ms >= $1)
       OR EXISTS (SELECT 1 FROM onward.spans AS beat
                  WHERE beat.job = jobs.id AND beat.state = 'leased' AND beat.beat_ms >= $1))
