-- Events after a number, of all jobs or of one.
SELECT events.seq, jobs.uuid, events.at, events.kind, events.actor, events.epoch, events.from_row, events.detail
FROM onward.events JOIN onward.jobs ON jobs.id = events.job
WHERE events.seq > $1 AND ($2::uuid IS NULL OR events.job = (SELECT id FROM onward.jobs WHERE uuid = $2))
ORDER BY events.seq LIMIT $3
