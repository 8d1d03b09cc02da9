-- Every span that somebody holds.
SELECT jobs.id, jobs.uuid, spans.no, spans.worker, spans.lease_until_ms
FROM jobs JOIN spans ON spans.job = jobs.id AND spans.state = 'leased'
WHERE jobs.state = 'running'
ORDER BY jobs.uuid, spans.no
