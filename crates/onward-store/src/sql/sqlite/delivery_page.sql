SELECT deliveries.no, jobs.uuid, deliveries.id, hook, event, notice, deliveries.state, tries, failures, begun_at,
       next_at, tried_at, status, message, deliveries.epoch, held_until
FROM deliveries JOIN jobs ON jobs.id = deliveries.job
WHERE deliveries.job = (SELECT id FROM jobs WHERE uuid = ?1) AND deliveries.no < ?2
ORDER BY deliveries.no DESC LIMIT ?3
