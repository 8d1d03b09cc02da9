-- Failed rows of the jobs that changed since a moment, or that run.
SELECT coalesce(sum(spans.failed), 0)
FROM spans JOIN (
    SELECT id FROM jobs WHERE updated_at >= ?1
    UNION
    SELECT id FROM jobs WHERE state = 'running'
        AND EXISTS (SELECT 1 FROM spans WHERE spans.job = jobs.id AND spans.beat_ms >= ?1)
) AS active ON active.id = spans.job
