SELECT deliveries.no, jobs.uuid, deliveries.id, hook, event, notice, deliveries.state, tries, failures, begun_at,
       next_at, tried_at, status, message, deliveries.epoch, held_until
FROM deliveries JOIN jobs ON jobs.id = deliveries.job WHERE deliveries.id = ?2 AND jobs.uuid = ?1
