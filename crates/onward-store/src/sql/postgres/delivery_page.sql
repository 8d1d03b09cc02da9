-- Deliveries of a job with a smaller number, newest first.
SELECT deliveries.no, jobs.uuid, deliveries.id, hook, event, notice, deliveries.state, tries, failures, begun_at,
       next_at, tried_at, status, message, deliveries.epoch, held_until
FROM onward.deliveries JOIN onward.jobs ON jobs.id = deliveries.job
WHERE deliveries.job = (SELECT id FROM onward.jobs WHERE uuid = $1) AND deliveries.no < $2
ORDER BY deliveries.no DESC LIMIT $3
