-- Moves records to history and takes them off the counters of their spans, which are then free under a
-- new epoch ($5): one outcome ($2), one code ($3), some rows ($4), those with a
-- text in key or message ($6), each unless NULL.
WITH opened AS (
    DELETE FROM onward.outcomes
    WHERE job = $1 AND outcome = $2 AND ($3::text IS NULL OR coalesce(code, 'added') = $3)
      AND ($4::integer[] IS NULL OR row = ANY ($4))
      AND ($6::text IS NULL OR strpos(lower(coalesce(key, '')), $6) > 0
           OR strpos(lower(coalesce(message, 'added')), $6) > 0)
    RETURNING *
), kept AS (
    INSERT INTO onward.history
        (finished_at, epoch, job, row, generation, tries, duration_ms, outcome, key, code, message, result)
    SELECT finished_at, epoch, job, row, generation, tries, duration_ms, outcome, key, code, message, result
    FROM opened
    ON CONFLICT DO NOTHING
), settled AS (
    -- They failed for sure: whatever was in doubt about them is over.
    DELETE FROM onward.doubts USING opened WHERE doubts.job = $1 AND doubts.row = opened.row
), gone AS (
    SELECT spans.no, count(*)::integer AS rows, min(opened.row) AS first
    FROM opened JOIN onward.spans ON spans.job = $1
        AND opened.row >= spans.first_row AND opened.row < spans.first_row + spans.row_count
    GROUP BY spans.no
), freed AS (
    UPDATE onward.spans
    SET added = added - CASE WHEN $2 = 0 THEN gone.rows ELSE 0 END,
        failed = failed - CASE WHEN $2 = 1 THEN gone.rows ELSE 0 END,
        skipped = skipped - CASE WHEN $2 = 2 THEN gone.rows ELSE 0 END,
        filtered = filtered - CASE WHEN $2 = 3 THEN gone.rows ELSE 0 END,
        low_water = least(spans.low_water, gone.first), state = 'free', epoch = $5, worker = NULL,
        lease_until_ms = NULL, waiting_row = NULL, waiting_since_ms = NULL
    FROM gone WHERE spans.job = $1 AND spans.no = gone.no
)
SELECT count(*) FROM opened
