-- Jobs with all that is known of them, newest first: one ($1), or a page after a cursor ($2) of some
-- states ($3) whose name holds a text ($4); or the page on the newer side of a cursor ($6). What their spans say
-- is read by a function (migrations/0008_job_facts.sql), as of the same moment.
WITH page AS MATERIALIZED (
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
)
SELECT page.id, page.uuid, page.name, page.state, page.pause, page.error, page.total, page.attempt,
       page.generation, page.epoch, page.created_at, page.started_at, page.updated_at, page.finished_at,
       page.attempt_at, page.recipe, page.tuning, page.work_digest,
       page.input_uuid, page.filename, page.sha256, page.bytes, page.available,
       facts.added, facts.failed, facts.skipped, facts.filtered, facts.beat_ms, facts.low_water,
       facts.leases, facts.doubted, facts.rests_until_ms
FROM page JOIN onward.job_facts(ARRAY(SELECT id FROM page))
    AS facts (job integer, added bigint, failed bigint, skipped bigint, filtered bigint, beat_ms bigint,
              rests_until_ms bigint, low_water bigint, leases text, doubted bigint) ON facts.job = page.id
ORDER BY page.uuid DESC
