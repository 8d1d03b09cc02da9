-- What the spans of a job that nobody holds have counted, summed up: a job of ten million rows has ten thousand
-- spans, and whoever looks at it should not read them all. Held spans are few and are added by who looks, so a
-- commit that does not fill its span writes nothing here. Derived, in the transaction that changes the spans, and
-- by triggers, so that no statement can forget it. In eight parts, so that those who fill spans of one job at the
-- same moment mostly do not wait for each other. `beat_ms` and `rests_until_ms` are the latest.
CREATE TABLE onward.span_sums (
    job            integer NOT NULL REFERENCES onward.jobs (id) ON DELETE CASCADE,
    part           integer NOT NULL,
    added          bigint  NOT NULL,
    failed         bigint  NOT NULL,
    skipped        bigint  NOT NULL,
    filtered       bigint  NOT NULL,
    beat_ms        bigint,
    rests_until_ms bigint,
    PRIMARY KEY (job, part)
) WITH (fillfactor = 50);

-- Sums up some jobs anew.
CREATE FUNCTION onward.sum_spans (integer[]) RETURNS void LANGUAGE sql
SET search_path = pg_catalog
AS $sum$
    DELETE FROM onward.span_sums WHERE job = ANY ($1);
    INSERT INTO onward.span_sums (job, part, added, failed, skipped, filtered, beat_ms, rests_until_ms)
    SELECT job, no % 8, sum(added), sum(failed), sum(skipped), sum(filtered), max(beat_ms), max(rests_until_ms)
    FROM onward.spans WHERE job = ANY ($1) AND state <> 'leased'
    GROUP BY job, no % 8;
$sum$;

-- A span comes to its sums when it is given back or full, and leaves them when it is claimed.
CREATE FUNCTION onward.sum_span () RETURNS trigger LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET search_path = pg_catalog
AS $sum$
DECLARE
    comes integer := (new.state <> 'leased')::integer;
    leaves integer := (old.state <> 'leased')::integer;
BEGIN
    IF new.added + new.failed + new.skipped + new.filtered + old.added + old.failed + old.skipped + old.filtered = 0
        AND new.beat_ms IS NULL AND new.rests_until_ms IS NULL
    THEN
        RETURN NULL;
    END IF;
    INSERT INTO onward.span_sums AS sums (job, part, added, failed, skipped, filtered, beat_ms, rests_until_ms)
    VALUES (new.job, new.no % 8, comes * new.added - leaves * old.added, comes * new.failed - leaves * old.failed,
            comes * new.skipped - leaves * old.skipped, comes * new.filtered - leaves * old.filtered,
            CASE comes WHEN 1 THEN new.beat_ms END, CASE comes WHEN 1 THEN new.rests_until_ms END)
    ON CONFLICT (job, part) DO UPDATE
    SET added = sums.added + excluded.added, failed = sums.failed + excluded.failed,
        skipped = sums.skipped + excluded.skipped, filtered = sums.filtered + excluded.filtered,
        beat_ms = greatest(sums.beat_ms, excluded.beat_ms),
        rests_until_ms = greatest(sums.rests_until_ms, excluded.rests_until_ms);
    IF comes < leaves THEN
        -- It may have been the latest, and the clock may have been set back since.
        UPDATE onward.span_sums AS sums
        SET (beat_ms, rests_until_ms) = (
            SELECT max(spans.beat_ms), max(spans.rests_until_ms) FROM onward.spans
            WHERE spans.job = sums.job AND spans.no % 8 = sums.part AND spans.state <> 'leased')
        WHERE sums.job = new.job AND sums.part = new.no % 8
          AND (sums.beat_ms = old.beat_ms OR sums.rests_until_ms = old.rests_until_ms);
    END IF;
    RETURN NULL;
END
$sum$;

CREATE TRIGGER sum_span AFTER UPDATE ON onward.spans FOR EACH ROW
    WHEN (old.state <> 'leased' OR new.state <> 'leased')
    EXECUTE FUNCTION onward.sum_span ();

-- Spans come and go as a whole when a job is made, moved, given another file or deleted: seldom.
CREATE FUNCTION onward.sum_changed_spans () RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog
AS $sum$
BEGIN
    PERFORM onward.sum_spans(ARRAY(SELECT DISTINCT changed.job FROM changed));
    RETURN NULL;
END
$sum$;

CREATE TRIGGER sum_new_spans AFTER INSERT ON onward.spans REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION onward.sum_changed_spans ();
CREATE TRIGGER sum_gone_spans AFTER DELETE ON onward.spans REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION onward.sum_changed_spans ();

SELECT onward.sum_spans(ARRAY(SELECT id FROM onward.jobs));

-- As it was (0008), but for where the counters come from.
CREATE OR REPLACE FUNCTION onward.job_facts (integer[]) RETURNS SETOF record LANGUAGE plpgsql STABLE ROWS 50
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET search_path = pg_catalog
AS $facts$
BEGIN
RETURN QUERY
SELECT jobs.id, counts.added, counts.failed, counts.skipped, counts.filtered, counts.beat_ms, counts.rests_until_ms,
       mark.low_water, held.leases, doubted.rows
FROM onward.jobs
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_array(no, worker, epoch, lease_until_ms, waiting_row, waiting_since_ms)
                    ORDER BY no)::text AS leases,
           sum(added) AS added, sum(failed) AS failed, sum(skipped) AS skipped, sum(filtered) AS filtered,
           max(beat_ms) AS beat_ms, max(rests_until_ms) AS rests_until_ms
    FROM onward.spans WHERE spans.job = jobs.id AND spans.state = 'leased'
) AS held
CROSS JOIN LATERAL (
    SELECT (coalesce(sum(added), 0) + coalesce(held.added, 0))::bigint AS added,
           (coalesce(sum(failed), 0) + coalesce(held.failed, 0))::bigint AS failed,
           (coalesce(sum(skipped), 0) + coalesce(held.skipped, 0))::bigint AS skipped,
           (coalesce(sum(filtered), 0) + coalesce(held.filtered, 0))::bigint AS filtered,
           greatest(max(beat_ms), held.beat_ms) AS beat_ms,
           greatest(max(rests_until_ms), held.rests_until_ms) AS rests_until_ms
    FROM onward.span_sums WHERE span_sums.job = jobs.id
) AS counts
CROSS JOIN LATERAL (
    SELECT min(low_water) AS low_water FROM (
        (SELECT low_water FROM onward.spans WHERE spans.job = jobs.id AND spans.state = 'free' ORDER BY no LIMIT 1)
        UNION ALL
        (SELECT low_water FROM onward.spans WHERE spans.job = jobs.id AND spans.state = 'leased' ORDER BY no LIMIT 1)
    ) AS first_open
) AS mark
-- Beyond the first missing row alone: so many calls as were under way when spans were lost.
CROSS JOIN LATERAL (
    SELECT count(*) AS rows FROM onward.doubts
    WHERE doubts.job = jobs.id AND doubts.row >= coalesce(mark.low_water, jobs.total)
      AND NOT EXISTS (SELECT 1 FROM onward.outcomes
                      WHERE outcomes.job = doubts.job AND outcomes.row = doubts.row)
) AS doubted
WHERE jobs.id = ANY ($1);
END
$facts$;
