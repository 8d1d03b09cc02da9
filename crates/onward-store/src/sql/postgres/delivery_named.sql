-- One delivery of a job.
SELECT deliveries.no, jobs.uuid, deliveries.id, hook, event, notice, deliveries.state, tries, failures, begun_at,
       next_at, tried_at, status, message, deliveries.epoch, held_until
FROM onward.deliveries JOIN onward.jobs ON jobs.id = deliveries.job
WHERE jobs.uuid = $1 AND deliveries.id = $2
