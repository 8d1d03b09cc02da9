-- What the spans of jobs say, as a function for the same reason as the commit: these parts of the statement that
-- reads jobs are the same for every look and cost more to plan than to carry out. Stable: it sees the moment of
-- the statement that calls it. Tables may be all but empty when the plan is made, hence no sequential scans.
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
    SELECT coalesce(sum(added), 0)::bigint AS added, coalesce(sum(failed), 0)::bigint AS failed,
           coalesce(sum(skipped), 0)::bigint AS skipped, coalesce(sum(filtered), 0)::bigint AS filtered,
           max(beat_ms) AS beat_ms, max(rests_until_ms) AS rests_until_ms
    FROM onward.spans WHERE spans.job = jobs.id
) AS counts
CROSS JOIN LATERAL (
    SELECT min(low_water) AS low_water FROM (
        (SELECT low_water FROM onward.spans WHERE spans.job = jobs.id AND spans.state = 'free' ORDER BY no LIMIT 1)
        UNION ALL
        (SELECT low_water FROM onward.spans WHERE spans.job = jobs.id AND spans.state = 'leased' ORDER BY no LIMIT 1)
    ) AS first_open
) AS mark
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_array(no, worker, epoch, lease_until_ms, waiting_row, waiting_since_ms)
                    ORDER BY no)::text AS leases
    FROM onward.spans WHERE spans.job = jobs.id AND spans.state = 'leased'
) AS held
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
