-- Events of all jobs after a number.
SELECT events.seq, jobs.uuid, events.at, events.kind, events.actor, events.epoch, events.from_row, events.detail
FROM events JOIN jobs ON jobs.id = events.job
WHERE events.seq > ?1 ORDER BY events.seq LIMIT ?2
