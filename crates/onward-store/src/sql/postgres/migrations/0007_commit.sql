-- The commit as a function. A server plans a statement that it is sent anew each time, and this one costs it
-- more to plan than to carry out. A function is planned once for each of the server's connections, behind every
-- kind of pooler too, where nothing that a client prepares would be safe. The plan is one for any number of rows:
-- the server would rather choose by how many are sent, which is to plan each time. And tables may be all but empty
-- when it is made, hence no sequential scans.
--
-- Outcomes, creators, counters, checkpoint and lease of one span, in one statement under the fence. Nothing is
-- written when the epoch ($3) is not the span's, when a row lies outside of it ($9 and $10 are the first and the
-- last), or when somebody else has written to it since this statement began to look; the answer is then empty,
-- and the caller finds out which it was.
CREATE OR REPLACE FUNCTION onward.span_commit (
    uuid, integer, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, integer[], smallint[],
    text[], bigint[], integer[], integer[], text[], text[], text[], integer[], text[], text[], text[], text,
    text, bigint, bigint
) RETURNS SETOF record LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET search_path = pg_catalog
AS $commit$
BEGIN
RETURN QUERY
WITH held AS MATERIALIZED (
    SELECT spans.*, jobs.generation,
           coalesce($4, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now_ms
    FROM onward.spans JOIN onward.jobs ON jobs.id = spans.job
    WHERE spans.job = (SELECT id FROM onward.jobs WHERE uuid = $1)
      AND spans.no = $2 AND spans.epoch = $3 AND spans.state = 'leased'
    FOR UPDATE OF spans
), span AS MATERIALIZED (
    -- A span that was waited for shows its present counters above and those of before below: what this
    -- statement sees of the ledger is then too old to say which rows are new.
    SELECT held.* FROM held JOIN onward.spans AS seen ON seen.job = held.job AND seen.no = held.no
    WHERE (seen.added, seen.failed, seen.skipped, seen.filtered)
        = (held.added, held.failed, held.skipped, held.filtered)
      AND coalesce($9 >= held.first_row AND $10 < held.first_row + held.row_count, true)
), fresh AS MATERIALIZED (
    SELECT sent.* FROM span, unnest($11::integer[], $12::smallint[], $13::text[], $14::bigint[], $15::integer[],
            $16::integer[], $17::text[], $18::text[], $19::text[])
        AS sent (row, outcome, key, finished_at, tries, duration_ms, code, message, result)
    -- Read once, by a job that is known: a plan that was made while the ledger was empty must do for a full one.
    WHERE sent.row <> ALL (ARRAY(SELECT outcomes.row FROM onward.outcomes
                                 WHERE outcomes.job = (SELECT job FROM span) AND outcomes.row BETWEEN $9 AND $10))
), made AS (
    -- In the order of their keys, so that two commits with the same creators never wait for each other.
    INSERT INTO onward.creators (list, key, data, job, row, added_at)
    SELECT new.list, new.key, new.data, span.job, new.row, span.now_ms
    FROM span, unnest($20::integer[], $21::text[], $22::text[], $23::text[])
        WITH ORDINALITY AS new (row, list, key, data, place)
    WHERE EXISTS (SELECT 1 FROM fresh WHERE fresh.row = new.row)
    ORDER BY new.list COLLATE "C", new.key COLLATE "C", new.place
    ON CONFLICT DO NOTHING
    RETURNING row
), there AS (
    SELECT new.row FROM unnest($20::integer[]) AS new (row)
    WHERE NOT EXISTS (SELECT 1 FROM made WHERE made.row = new.row)
), put AS (
    INSERT INTO onward.outcomes
        (finished_at, epoch, job, row, generation, tries, duration_ms, outcome, key, code, message, result)
    SELECT fresh.finished_at, $3, span.job, fresh.row, span.generation, fresh.tries, fresh.duration_ms,
           CASE WHEN there.row IS NULL THEN fresh.outcome ELSE 2 END, fresh.key,
           CASE WHEN there.row IS NULL THEN fresh.code ELSE $24::text END,
           CASE WHEN there.row IS NULL THEN fresh.message ELSE $25::text END, fresh.result
    FROM span, fresh LEFT JOIN there ON there.row = fresh.row
    RETURNING outcome
), counted AS MATERIALIZED (
    -- What was inserted, never what was sent.
    SELECT (count(*) FILTER (WHERE outcome = 0))::integer AS added,
           (count(*) FILTER (WHERE outcome = 1))::integer AS failed,
           (count(*) FILTER (WHERE outcome = 2))::integer AS skipped,
           (count(*) FILTER (WHERE outcome = 3))::integer AS filtered,
           count(*)::integer AS rows
    FROM put
), after AS (
    SELECT span.*, counted.rows,
           span.added + counted.added AS now_added, span.failed + counted.failed AS now_failed,
           span.skipped + counted.skipped AS now_skipped, span.filtered + counted.filtered AS now_filtered,
           span.added + span.failed + span.skipped + span.filtered + counted.rows = span.row_count AS filled,
           span.first_row + span.row_count AS end_row
    FROM span, counted
), moved AS (
    UPDATE onward.spans
    SET added = after.now_added, failed = after.now_failed, skipped = after.now_skipped,
        filtered = after.now_filtered,
        -- Only an outcome that became durable moves the beat; a renewal must not hide that nothing finishes.
        beat_ms = CASE WHEN after.rows > 0 THEN after.now_ms ELSE after.beat_ms END,
        state = CASE WHEN after.filled THEN 'done' ELSE 'leased' END,
        worker = CASE WHEN after.filled THEN NULL ELSE after.worker END,
        -- A commit that is sent again late must not take back what a later one has moved.
        low_water = CASE WHEN after.filled THEN after.end_row
                         ELSE least(greatest($5, after.low_water), after.end_row) END,
        claimed_until = CASE WHEN after.filled THEN after.end_row
                             ELSE least(greatest($6, after.claimed_until), after.end_row) END,
        lease_until_ms = CASE WHEN after.filled THEN NULL
                              WHEN after.lease_until_ms > after.now_ms + 2 * $26 THEN after.now_ms + $26
                              ELSE greatest(after.lease_until_ms, after.now_ms + $26) END,
        waiting_row = CASE WHEN after.filled THEN NULL ELSE $7::bigint END,
        waiting_since_ms = CASE WHEN after.filled THEN NULL ELSE $8::bigint END,
        rests_until_ms = greatest(after.rests_until_ms, $27::bigint)
    FROM after WHERE spans.job = after.job AND spans.no = after.no
    RETURNING after.rows, spans.added, spans.failed, spans.skipped, spans.filtered, after.filled,
              after.worker
)
SELECT * FROM moved;
END
$commit$;
