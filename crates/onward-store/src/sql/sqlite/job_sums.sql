-- All jobs, and the failed rows of those that changed since a moment. CROSS JOIN: few jobs first, then their spans.
SELECT (SELECT count(*) FROM jobs), coalesce(sum(spans.failed), 0)
FROM (
    SELECT id FROM jobs WHERE updated_at >= ?1
    UNION
    SELECT id FROM jobs WHERE state = 'running'
        AND EXISTS (SELECT 1 FROM spans WHERE spans.job = jobs.id AND spans.beat_ms >= ?1)
) AS active CROSS JOIN spans ON spans.job = active.id
