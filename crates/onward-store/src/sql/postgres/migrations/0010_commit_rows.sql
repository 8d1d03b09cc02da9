-- The commit in steps. `span_commit`, one statement of nine parts, takes the server longer to set up and to take
-- down than its work takes, and so does a statement that calls it with a list of columns. Here each step is a plain
-- statement, planned once for each connection, that runs only when there is something for it to do, and the answer is
-- one value. `span_commit` is left for programs of the version before.
--
-- Outcomes, creators, counters, checkpoint and lease of one span, in one statement under the fence. Nothing is
-- written when the epoch ($3) is not the span's, or when a row lies outside of it ($9 and $10 are the first and the
-- last; both NULL when there are none): the answer is then NULL, and the caller finds out which it was. The plans are
-- made when tables may be all but empty, hence no sequential scans.
CREATE OR REPLACE FUNCTION onward.commit_rows (
    uuid, integer, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, integer[], smallint[],
    text[], bigint[], integer[], integer[], text[], text[], text[], integer[], text[], text[], text[], text,
    text, bigint, bigint
) RETURNS text[] LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET search_path = pg_catalog
AS $commit$
DECLARE
    durable text := set_config('synchronous_commit', 'on', true);
    span record;
    now_ms bigint;
    -- Rows that have an outcome already, rows whose creator is new, and rows whose creator was there.
    known integer[];
    made integer[];
    there integer[] := '{}';
    -- What was inserted, never what was sent.
    fresh integer := 0;
    fresh_added integer := 0;
    fresh_failed integer := 0;
    fresh_skipped integer := 0;
    fresh_filtered integer := 0;
    filled boolean;
    answer text[];
BEGIN
    -- Whoever waits for a span here sees it, and in the steps below its ledger, as the one before left them.
    SELECT spans.job, spans.first_row, spans.first_row + spans.row_count AS end_row, spans.worker,
           spans.row_count - spans.added - spans.failed - spans.skipped - spans.filtered AS missing
    INTO span
    FROM onward.spans
    WHERE spans.job = (SELECT jobs.id FROM onward.jobs WHERE jobs.uuid = $1)
      AND spans.no = $2 AND spans.epoch = $3 AND spans.state = 'leased'
    FOR UPDATE;
    IF NOT FOUND OR $9 < span.first_row OR $10 >= span.end_row THEN
        RETURN NULL;
    END IF;
    now_ms := coalesce($4, (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
    IF $9 IS NOT NULL THEN
        known := ARRAY(SELECT outcomes.row FROM onward.outcomes
                       WHERE outcomes.job = span.job AND outcomes.row BETWEEN $9 AND $10);
    END IF;
    IF cardinality($20) > 0 THEN
        WITH put AS (
            -- In the order of their keys, so that two commits with the same creators never wait for each other.
            INSERT INTO onward.creators (list, key, data, job, row, added_at)
            SELECT sent.list, sent.key, sent.data, span.job, sent.row, now_ms
            FROM unnest($20, $21, $22, $23) WITH ORDINALITY AS sent (row, list, key, data, place)
            WHERE sent.row <> ALL (known)
            ORDER BY sent.list COLLATE "C", sent.key COLLATE "C", sent.place
            ON CONFLICT DO NOTHING
            RETURNING row
        )
        SELECT array_agg(put.row) INTO made FROM put;
        IF cardinality(made) IS DISTINCT FROM cardinality($20) THEN
            there := ARRAY(SELECT unnest($20) EXCEPT SELECT unnest(made));
        END IF;
    END IF;
    IF $9 IS NOT NULL THEN
        WITH put AS (
            INSERT INTO onward.outcomes
                (finished_at, epoch, job, row, generation, tries, duration_ms, outcome, key, code, message, result)
            SELECT sent.finished_at, $3, span.job, sent.row,
                   (SELECT jobs.generation FROM onward.jobs WHERE jobs.id = span.job), sent.tries, sent.duration_ms,
                   CASE WHEN sent.row = ANY (there) THEN 2 ELSE sent.outcome END, sent.key,
                   CASE WHEN sent.row = ANY (there) THEN $24 ELSE sent.code END,
                   CASE WHEN sent.row = ANY (there) THEN $25 ELSE sent.message END, sent.result
            FROM unnest($11, $12, $13, $14, $15, $16, $17, $18, $19)
                AS sent (row, outcome, key, finished_at, tries, duration_ms, code, message, result)
            -- A record that is there stays; nobody else writes any of this span meanwhile.
            WHERE sent.row <> ALL (known)
            RETURNING outcome
        )
        SELECT count(*), count(*) FILTER (WHERE put.outcome = 0), count(*) FILTER (WHERE put.outcome = 1),
               count(*) FILTER (WHERE put.outcome = 2), count(*) FILTER (WHERE put.outcome = 3)
        INTO fresh, fresh_added, fresh_failed, fresh_skipped, fresh_filtered
        FROM put;
    END IF;
    filled := fresh = span.missing;
    UPDATE onward.spans
    SET added = spans.added + fresh_added, failed = spans.failed + fresh_failed,
        skipped = spans.skipped + fresh_skipped, filtered = spans.filtered + fresh_filtered,
        -- Only an outcome that became durable moves the beat; a renewal must not hide that nothing finishes.
        beat_ms = CASE WHEN fresh > 0 THEN now_ms ELSE spans.beat_ms END,
        state = CASE WHEN filled THEN 'done' ELSE 'leased' END,
        worker = CASE WHEN filled THEN NULL ELSE spans.worker END,
        -- A commit that is sent again late must not take back what a later one has moved.
        low_water = CASE WHEN filled THEN span.end_row
                         ELSE least(greatest($5, spans.low_water), span.end_row) END,
        claimed_until = CASE WHEN filled THEN span.end_row
                             ELSE least(greatest($6, spans.claimed_until), span.end_row) END,
        lease_until_ms = CASE WHEN filled THEN NULL
                              WHEN spans.lease_until_ms > now_ms + 2 * $26 THEN now_ms + $26
                              ELSE greatest(spans.lease_until_ms, now_ms + $26) END,
        waiting_row = CASE WHEN filled THEN NULL ELSE $7 END,
        waiting_since_ms = CASE WHEN filled THEN NULL ELSE $8 END,
        rests_until_ms = greatest(spans.rests_until_ms, $27)
    WHERE spans.job = span.job AND spans.no = $2
    RETURNING ARRAY[fresh::text, spans.added::text, spans.failed::text, spans.skipped::text,
                    spans.filtered::text, filled::text, span.worker]
    INTO answer;
    RETURN answer;
END
$commit$;
