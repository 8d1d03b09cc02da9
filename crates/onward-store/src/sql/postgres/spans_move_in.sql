-- The spans of a job ($1) that has moved in, from the ledger that is here; nobody holds them. In a stretch
-- without a gap a row stands as far from the first as there are records before it: so many make the
-- checkpoint. $2 is the epoch the job had over there, $3 when it was last saved.
WITH counted AS (
    SELECT spans.no, count(placed.row) AS rows,
           (count(*) FILTER (WHERE outcome = 0))::integer AS added,
           (count(*) FILTER (WHERE outcome = 1))::integer AS failed,
           (count(*) FILTER (WHERE outcome = 2))::integer AS skipped,
           (count(*) FILTER (WHERE outcome = 3))::integer AS filtered,
           spans.first_row + count(*) FILTER (WHERE placed.row = spans.first_row + placed.before) AS low_water
    FROM onward.spans LEFT JOIN LATERAL (
        SELECT row, outcome, row_number() OVER (ORDER BY row) - 1 AS before FROM onward.outcomes
        WHERE job = $1 AND row >= spans.first_row AND row < spans.first_row + spans.row_count
    ) AS placed ON true
    WHERE spans.job = $1
    GROUP BY spans.no, spans.first_row
)
UPDATE onward.spans
SET epoch = $2, added = counted.added, failed = counted.failed, skipped = counted.skipped,
    filtered = counted.filtered, low_water = counted.low_water, claimed_until = counted.low_water,
    beat_ms = CASE WHEN counted.rows > 0 THEN $3::bigint END,
    state = CASE WHEN counted.rows = spans.row_count THEN 'done' ELSE 'free' END
FROM counted WHERE spans.job = $1 AND spans.no = counted.no AND spans.state <> 'leased'
