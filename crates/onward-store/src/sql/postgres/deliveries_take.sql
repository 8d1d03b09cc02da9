-- Deliveries that are due and that nobody has, for a sender ($2), at most so many ($3), for so long ($4). $1 is the
-- moment, NULL for the clock of the database. What somebody else takes at this moment is passed over.
WITH moment AS MATERIALIZED (
    SELECT coalesce($1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now_ms
), due AS MATERIALIZED (
    SELECT deliveries.no FROM onward.deliveries, moment
    WHERE state = 'waiting' AND next_at <= now_ms
      AND (held_until IS NULL OR held_until <= now_ms OR held_until > now_ms + 2 * $4)
    ORDER BY next_at, no LIMIT $3
    FOR UPDATE OF deliveries SKIP LOCKED
), taken AS (
    UPDATE onward.deliveries SET epoch = deliveries.epoch + 1, holder = $2, held_until = now_ms + $4
    FROM due, moment WHERE deliveries.no = due.no
    RETURNING deliveries.*, now_ms
)
SELECT taken.no, jobs.uuid, taken.id, hook, event, notice, taken.state, tries, failures, begun_at, next_at,
       tried_at, status, message, taken.epoch, held_until, jobs.recipe, taken.now_ms,
       set_config('synchronous_commit', 'on', true)
FROM taken JOIN onward.jobs ON jobs.id = taken.job
ORDER BY taken.next_at, taken.no
