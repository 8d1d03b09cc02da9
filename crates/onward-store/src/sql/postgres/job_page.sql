-- Jobs with all that is known of them, newest first: one ($1), or a page after a cursor ($2) of some
-- states ($3) whose name holds a text ($4); or the page on the newer side of a cursor ($6).
SELECT jobs.id, jobs.uuid, jobs.name, jobs.state, jobs.pause, jobs.error, jobs.total, jobs.attempt,
       jobs.generation, jobs.epoch, jobs.created_at, jobs.started_at, jobs.updated_at, jobs.finished_at,
       jobs.attempt_at, jobs.recipe, jobs.tuning, jobs.work_digest,
       jobs.input_uuid, jobs.filename, jobs.sha256, jobs.bytes, jobs.available,
       counts.added, counts.failed, counts.skipped, counts.filtered, counts.beat_ms, mark.low_water,
       held.leases, doubted.rows, counts.rests_until_ms
FROM (
    (SELECT jobs.*, inputs.uuid AS input_uuid, inputs.filename, inputs.sha256, inputs.bytes, inputs.available
     FROM onward.jobs JOIN onward.inputs ON inputs.id = jobs.input
     WHERE $6::uuid IS NULL
       AND ($1::uuid IS NULL OR jobs.uuid = $1)
       AND ($2::uuid IS NULL OR jobs.uuid < $2)
       AND ($3::text[] IS NULL OR jobs.state = ANY ($3))
       AND ($4::text IS NULL OR strpos(lower(jobs.name), $4) > 0 OR strpos(lower(inputs.filename), $4) > 0)
     ORDER BY jobs.uuid DESC LIMIT $5)
    UNION ALL
    (SELECT jobs.*, inputs.uuid AS input_uuid, inputs.filename, inputs.sha256, inputs.bytes, inputs.available
     FROM onward.jobs JOIN onward.inputs ON inputs.id = jobs.input
     WHERE jobs.uuid > $6
       AND ($2::uuid IS NULL OR jobs.uuid < $2)
       AND ($3::text[] IS NULL OR jobs.state = ANY ($3))
       AND ($4::text IS NULL OR strpos(lower(jobs.name), $4) > 0 OR strpos(lower(inputs.filename), $4) > 0)
     ORDER BY jobs.uuid LIMIT $5)
) AS jobs
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
ORDER BY jobs.uuid DESC
