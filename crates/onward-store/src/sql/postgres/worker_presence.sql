-- The moment ($2 unless NULL), when a worker's ($1) last sign of life was written, what it is asked to
-- do, how many living ones sort before it, and how many there are: those heard of within $3.
-- A worker that is gone from the list meanwhile is asked for nothing.
SELECT clock.now_ms, (SELECT beat_ms FROM onward.workers WHERE id = $1),
       coalesce((SELECT draining FROM onward.workers WHERE id = $1), false),
       (SELECT count(*) FROM onward.workers
        WHERE beat_ms > clock.now_ms - $3 AND NOT draining AND id < $1 COLLATE "C")::integer,
       (SELECT count(*) FROM onward.workers WHERE beat_ms > clock.now_ms - $3 AND NOT draining)::integer
FROM (SELECT coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now_ms) AS clock
