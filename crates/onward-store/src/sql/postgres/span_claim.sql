-- Takes the first span of a job ($1) that nobody holds and in which more is left than rows that wait for a
-- person, for a worker ($2), under the job's next epoch;
-- starts a queued job. $3 is the moment, NULL for the clock of the database; $4 the length of a lease;
-- $5 the window. A job that one worker at a time may work on is passed over unless $6 says that nobody
-- else can be at it. The job's row is held first: claims of one job come one after the other, and a span
-- whose row somebody holds at this moment is passed over.
WITH job AS MATERIALIZED (
    SELECT id, state, coalesce($3, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now_ms
    FROM onward.jobs WHERE uuid = $1 AND state IN ('queued', 'running')
      AND ($6 OR coalesce((tuning::json ->> 'probes')::bigint, 0) = 0 AND tuning::json ->> 'hold_at' IS NULL)
    FOR NO KEY UPDATE
), free AS MATERIALIZED (
    SELECT job, no FROM onward.spans
    WHERE job = (SELECT id FROM job) AND state = 'free'
      AND added + failed + skipped + filtered + (
          SELECT count(*) FROM onward.doubts
          WHERE doubts.job = spans.job AND doubts.stand = 'held'
            AND doubts.row >= spans.first_row AND doubts.row < spans.first_row + spans.row_count) < row_count
    ORDER BY no LIMIT 1
    FOR UPDATE SKIP LOCKED
), moved AS (
    UPDATE onward.jobs
    SET epoch = jobs.epoch + 1, state = 'running',
        attempt = jobs.attempt + CASE WHEN job.state = 'queued' THEN 1 ELSE 0 END,
        attempt_at = CASE WHEN job.state = 'queued' THEN job.now_ms ELSE jobs.attempt_at END,
        started_at = coalesce(jobs.started_at, job.now_ms),
        updated_at = greatest(jobs.updated_at, job.now_ms)
    FROM job, free WHERE jobs.id = job.id AND free.job = job.id
    RETURNING jobs.id, jobs.epoch, jobs.generation, jobs.input
), taken AS (
    UPDATE onward.spans
    SET state = 'leased', epoch = moved.epoch, worker = $2, lease_until_ms = job.now_ms + $4,
        claimed_until = least(spans.low_water + $5, spans.first_row + spans.row_count),
        waiting_row = NULL, waiting_since_ms = NULL
    FROM moved, job, free WHERE spans.job = free.job AND spans.no = free.no
    RETURNING spans.no, spans.first_row, spans.row_count, spans.claimed_until,
              spans.added + spans.failed + spans.skipped + spans.filtered AS done,
              EXISTS (SELECT 1 FROM onward.doubts
                      WHERE doubts.job = spans.job AND doubts.row >= spans.first_row
                        AND doubts.row < spans.first_row + spans.row_count) AS doubted
), turn AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(1330534212, 'onward.events'::regclass::oid::integer)
    FROM taken, job WHERE job.state = 'queued'
), told AS (
    INSERT INTO onward.events (job, at, kind, actor, epoch, from_row, detail)
    SELECT moved.id, job.now_ms, 'started', 'worker ' || $2, moved.epoch, 1 + (
               SELECT low_water FROM onward.spans WHERE spans.job = moved.id AND spans.state = 'free'
               ORDER BY spans.no LIMIT 1), ''
    FROM turn, moved, job
)
SELECT taken.no, taken.first_row, taken.row_count, taken.claimed_until, taken.done, moved.epoch,
       moved.generation, taken.doubted, inputs.uuid, set_config('synchronous_commit', 'on', true)
FROM taken, moved JOIN onward.inputs ON inputs.id = moved.input
