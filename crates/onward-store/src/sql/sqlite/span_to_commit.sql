-- A span that is held, to compare its fence and to add to its counters. The generation comes from a
-- query of its own: joined on a bound job, SQLite would plan the statement anew for every commit.
SELECT epoch, first_row, row_count, low_water, claimed_until, added, failed, skipped, filtered, worker,
       (SELECT generation FROM jobs WHERE id = ?1), lease_until_ms
FROM spans
WHERE job = ?1 AND no = ?2 AND state = 'leased'
