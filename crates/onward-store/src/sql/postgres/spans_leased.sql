-- Every span that somebody holds, of all jobs or of one, and the clock.
SELECT jobs.uuid, spans.no, spans.worker, spans.lease_until_ms,
       (extract(epoch FROM clock_timestamp()) * 1000)::bigint, spans.epoch
FROM onward.jobs JOIN onward.spans ON spans.job = jobs.id AND spans.state = 'leased'
WHERE jobs.state = 'running' AND ($1::uuid IS NULL OR jobs.uuid = $1)
ORDER BY jobs.uuid, spans.no
