-- A span that is held, to compare its fence and to add to its counters.
SELECT spans.epoch, first_row, row_count, low_water, claimed_until, added, failed, skipped, filtered, worker,
       jobs.generation, lease_until_ms
FROM spans JOIN jobs ON jobs.id = spans.job
WHERE spans.job = ?1 AND spans.no = ?2 AND spans.state = 'leased'
