-- What workers ask again and again, as functions for the same reason as the commit: planned once for each
-- connection. Tables may be all but empty when the plans are made, hence no sequential scans.

-- Takes the first span of a job ($1) that nobody holds and in which more is left than rows that wait for a
-- person, for a worker ($2), under the job's next epoch; starts a queued job. $3 is the moment, NULL for the clock
-- of the database; $4 the length of a lease; $5 the window. A job that one worker at a time may work on is passed
-- over unless $6 says that nobody else can be at it. The job's row is held first: claims of one job come one after
-- the other, and a span whose row somebody holds at this moment is passed over.
CREATE FUNCTION onward.claim_span (uuid, text, bigint, bigint, bigint, boolean)
RETURNS TABLE (
    span_no integer, span_first bigint, span_rows integer, until_row bigint, rows_done integer, under bigint,
    in_generation integer, is_doubted boolean, from_input uuid
) LANGUAGE plpgsql ROWS 1
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET search_path = pg_catalog
AS $claim$
DECLARE
    durable text := set_config('synchronous_commit', 'on', true);
    job record;
    free integer;
    from_row bigint;
    now_ms bigint;
BEGIN
    SELECT jobs.id, jobs.state, jobs.epoch + 1 AS epoch, jobs.generation, jobs.input INTO job
    FROM onward.jobs WHERE jobs.uuid = $1 AND jobs.state IN ('queued', 'running')
        AND ($6 OR coalesce((jobs.tuning::json ->> 'probes')::bigint, 0) = 0
             AND jobs.tuning::json ->> 'hold_at' IS NULL)
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT spans.no INTO free
    FROM onward.spans
    WHERE spans.job = job.id AND spans.state = 'free'
        AND spans.added + spans.failed + spans.skipped + spans.filtered + (
            SELECT count(*) FROM onward.doubts
            WHERE doubts.job = spans.job AND doubts.stand = 'held' AND doubts.row >= spans.first_row
              AND doubts.row < spans.first_row + spans.row_count) < spans.row_count
    ORDER BY spans.no LIMIT 1
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    now_ms := coalesce($3, (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
    UPDATE onward.jobs
    SET epoch = job.epoch, state = 'running',
        attempt = jobs.attempt + (job.state = 'queued')::integer,
        attempt_at = CASE WHEN job.state = 'queued' THEN now_ms ELSE jobs.attempt_at END,
        started_at = coalesce(jobs.started_at, now_ms),
        updated_at = greatest(jobs.updated_at, now_ms)
    WHERE jobs.id = job.id;
    IF job.state = 'queued' THEN
        from_row := (SELECT 1 + spans.low_water FROM onward.spans
                     WHERE spans.job = job.id AND spans.state = 'free' ORDER BY spans.no LIMIT 1);
    END IF;
    RETURN QUERY
    UPDATE onward.spans
    SET state = 'leased', epoch = job.epoch, worker = $2, lease_until_ms = now_ms + $4,
        claimed_until = least(spans.low_water + $5, spans.first_row + spans.row_count),
        waiting_row = NULL, waiting_since_ms = NULL
    WHERE spans.job = job.id AND spans.no = free
    RETURNING spans.no, spans.first_row, spans.row_count, spans.claimed_until,
              spans.added + spans.failed + spans.skipped + spans.filtered, spans.epoch, job.generation,
              EXISTS (SELECT 1 FROM onward.doubts
                      WHERE doubts.job = spans.job AND doubts.row >= spans.first_row
                        AND doubts.row < spans.first_row + spans.row_count),
              (SELECT inputs.uuid FROM onward.inputs WHERE inputs.id = job.input);
    IF job.state = 'queued' THEN
        PERFORM pg_advisory_xact_lock(1330534212, 'onward.events'::regclass::oid::integer);
        INSERT INTO onward.events (job, at, kind, actor, epoch, from_row, detail)
        VALUES (job.id, now_ms, 'started', 'worker ' || $2, job.epoch, from_row, '');
    END IF;
END
$claim$;

-- What a worker ($2) looks at each second: the epoch and limits of a job ($1), and the spans it holds, as of one
-- moment; without any that it holds, the job stands alone.
CREATE FUNCTION onward.glance (uuid, text)
RETURNS TABLE (job_epoch bigint, job_tuning text, span_no integer, span_epoch bigint)
LANGUAGE plpgsql STABLE ROWS 10
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET search_path = pg_catalog
AS $glance$
DECLARE
    job record;
BEGIN
    SELECT jobs.id, jobs.epoch, jobs.tuning INTO job FROM onward.jobs WHERE jobs.uuid = $1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT job.epoch, job.tuning, spans.no, spans.epoch FROM onward.spans
    WHERE spans.job = job.id AND spans.state = 'leased' AND spans.worker = $2
    ORDER BY spans.no;
    IF NOT FOUND THEN
        RETURN QUERY SELECT job.epoch, job.tuning, NULL::integer, NULL::bigint;
    END IF;
END
$glance$;

-- Every span that somebody holds, of all running jobs or of one ($1), and the clock.
CREATE FUNCTION onward.leases (uuid)
RETURNS TABLE (
    of_job uuid, span_no integer, held_by text, until_ms bigint, clock_ms bigint, span_epoch bigint
) LANGUAGE plpgsql STABLE ROWS 10
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET search_path = pg_catalog
AS $leases$
DECLARE
    job record;
BEGIN
    FOR job IN
        SELECT jobs.id, jobs.uuid FROM onward.jobs
        WHERE jobs.state = 'running' AND ($1 IS NULL OR jobs.uuid = $1)
        ORDER BY jobs.uuid
    LOOP
        RETURN QUERY
        SELECT job.uuid, spans.no, spans.worker, spans.lease_until_ms,
               (extract(epoch FROM clock_timestamp()) * 1000)::bigint, spans.epoch
        FROM onward.spans WHERE spans.job = job.id AND spans.state = 'leased'
        ORDER BY spans.no;
    END LOOP;
END
$leases$;

-- Whether a job has a span that is not done; NULL when there is no such job. Two indexes that hold nothing else know
-- it at once, however many spans the job has.
CREATE FUNCTION onward.has_open_span (uuid) RETURNS boolean LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET search_path = pg_catalog
AS $open$
DECLARE
    of_job integer := (SELECT jobs.id FROM onward.jobs WHERE jobs.uuid = $1);
BEGIN
    IF of_job IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN EXISTS (SELECT 1 FROM onward.spans WHERE spans.job = of_job AND spans.state = 'free')
        OR EXISTS (SELECT 1 FROM onward.spans WHERE spans.job = of_job AND spans.state = 'leased');
END
$open$;

-- Running jobs whose every span is done: whoever filled the last one did not live to say so.
CREATE FUNCTION onward.jobs_to_end () RETURNS SETOF uuid LANGUAGE plpgsql STABLE ROWS 1
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET search_path = pg_catalog
AS $ended$
BEGIN
    RETURN QUERY
    SELECT jobs.uuid FROM onward.jobs
    WHERE jobs.state = 'running' AND NOT onward.has_open_span(jobs.uuid)
    ORDER BY jobs.uuid;
END
$ended$;

-- The moment ($2 unless NULL), when a worker's ($1) last sign of life was written, what it is asked to do, how many
-- living ones sort before it, and how many there are: those heard of within $3. A worker that is gone from the list
-- meanwhile is asked for nothing.
CREATE FUNCTION onward.presence (text, bigint, bigint)
RETURNS TABLE (now_ms bigint, last_ms bigint, drains boolean, before integer, living integer)
LANGUAGE plpgsql ROWS 1
SET plan_cache_mode = force_generic_plan
SET search_path = pg_catalog
AS $presence$
BEGIN
    now_ms := coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
    SELECT max(workers.beat_ms) FILTER (WHERE workers.id = $1),
           coalesce(bool_or(workers.draining) FILTER (WHERE workers.id = $1), false),
           count(*) FILTER (WHERE lives.so AND workers.id < $1 COLLATE "C"),
           count(*) FILTER (WHERE lives.so)
    INTO last_ms, drains, before, living
    FROM onward.workers
    CROSS JOIN LATERAL (SELECT workers.beat_ms > now_ms - $3 AND NOT workers.draining AS so) AS lives;
    RETURN NEXT;
END
$presence$;

-- A chunk ($2) of an input ($1), and which of its rows repeat others.
CREATE FUNCTION onward.chunk (uuid, integer)
RETURNS TABLE (chunk_first bigint, chunk_rows integer, chunk_digest text, chunk_packed bytea, chunk_pairs bytea)
LANGUAGE plpgsql STABLE ROWS 1
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET search_path = pg_catalog
AS $chunk$
DECLARE
    of_input integer := (SELECT inputs.id FROM onward.inputs WHERE inputs.uuid = $1);
BEGIN
    RETURN QUERY
    SELECT chunks.first_row, chunks.row_count, chunks.digest, chunks.packed,
           (SELECT duplicates.pairs FROM onward.duplicates
            WHERE duplicates.input = of_input AND duplicates.no = chunks.no)
    FROM onward.chunks WHERE chunks.input = of_input AND chunks.no = $2;
END
$chunk$;
