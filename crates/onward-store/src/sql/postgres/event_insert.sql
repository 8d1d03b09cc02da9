-- A line of the timeline. Whoever writes one waits for the turn and keeps it to the end of its
-- transaction: a reader that goes on from a number then never misses one that became visible late.
WITH turn AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(1330534212, 'onward.events'::regclass::oid::integer)
)
INSERT INTO onward.events (job, at, kind, actor, epoch, from_row, detail)
SELECT $1, $2, $3, $4, $5, $6, $7 FROM turn
RETURNING seq
