-- Jobs with all that is known of them, newest first: one ($1), or so many ($5) before ($2) or after ($6) another of
-- some states ($3) whose name or file holds a text ($4). A function for the same reason as the commit: every page
-- begins with it, and it cost more to plan than to carry out. First which jobs they are: by the index of states and
-- ids, which conditions and orders are written for, whatever a planner thinks of states that most jobs are in, or none;
-- one job by its id alone, in the same way. Then what is known of them, as of the moment of the statement that calls it.
CREATE FUNCTION onward.jobs_page (uuid, uuid, text[], text, bigint, uuid)
RETURNS TABLE (
    id integer, uuid uuid, name text, state text, pause text, error text, total bigint, attempt integer,
    generation integer, epoch bigint, created_at bigint, started_at bigint, updated_at bigint, finished_at bigint,
    attempt_at bigint, recipe text, tuning text, work_digest text,
    input uuid, filename text, sha256 text, bytes bigint, available boolean,
    added bigint, failed bigint, skipped bigint, filtered bigint, beat_ms bigint, low_water bigint,
    leases text, doubted bigint, rests_until_ms bigint
) LANGUAGE plpgsql STABLE ROWS 50
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET search_path = pg_catalog
AS $page$
DECLARE
    states text[] := coalesce($3, ARRAY['queued', 'running', 'paused', 'completed', 'failed', 'cancelled']);
    older uuid := coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
    ids integer[];
BEGIN
    IF $1 IS NOT NULL THEN
        ids := ARRAY(SELECT jobs.id FROM onward.jobs WHERE jobs.uuid >= $1 AND jobs.uuid <= $1 ORDER BY jobs.uuid LIMIT 1);
    ELSIF $6 IS NULL THEN
        ids := ARRAY(
            SELECT of_state.id FROM unnest(states) AS asked (state)
            CROSS JOIN LATERAL (
                SELECT jobs.id, jobs.uuid FROM onward.jobs
                WHERE jobs.state >= asked.state AND (jobs.state, jobs.uuid) < (asked.state, older)
                  AND ($4 IS NULL OR strpos(lower(jobs.name), $4) > 0 OR EXISTS (
                      SELECT 1 FROM onward.inputs
                      WHERE inputs.id = jobs.input AND strpos(lower(inputs.filename), $4) > 0))
                ORDER BY jobs.state DESC, jobs.uuid DESC LIMIT $5
            ) AS of_state
            ORDER BY of_state.uuid DESC LIMIT $5);
    ELSE
        ids := ARRAY(
            SELECT of_state.id FROM unnest(states) AS asked (state)
            CROSS JOIN LATERAL (
                SELECT jobs.id, jobs.uuid FROM onward.jobs
                WHERE jobs.state <= asked.state AND (jobs.state, jobs.uuid) > (asked.state, $6)
                  AND jobs.uuid < older
                  AND ($4 IS NULL OR strpos(lower(jobs.name), $4) > 0 OR EXISTS (
                      SELECT 1 FROM onward.inputs
                      WHERE inputs.id = jobs.input AND strpos(lower(inputs.filename), $4) > 0))
                ORDER BY jobs.state, jobs.uuid LIMIT $5
            ) AS of_state
            ORDER BY of_state.uuid LIMIT $5);
    END IF;
    RETURN QUERY
    SELECT jobs.id, jobs.uuid, jobs.name, jobs.state, jobs.pause, jobs.error, jobs.total, jobs.attempt,
           jobs.generation, jobs.epoch, jobs.created_at, jobs.started_at, jobs.updated_at, jobs.finished_at,
           jobs.attempt_at, jobs.recipe, jobs.tuning, jobs.work_digest,
           inputs.uuid, inputs.filename, inputs.sha256, inputs.bytes, inputs.available,
           facts.added, facts.failed, facts.skipped, facts.filtered, facts.beat_ms, facts.low_water,
           facts.leases, facts.doubted, facts.rests_until_ms
    FROM onward.job_facts(ids)
        AS facts (job integer, added bigint, failed bigint, skipped bigint, filtered bigint, beat_ms bigint,
                  rests_until_ms bigint, low_water bigint, leases text, doubted bigint)
    JOIN onward.jobs ON jobs.id = facts.job
    JOIN onward.inputs ON inputs.id = jobs.input
    ORDER BY jobs.uuid DESC;
END
$page$;
