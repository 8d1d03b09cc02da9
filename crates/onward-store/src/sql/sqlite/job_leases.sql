-- Who holds which spans of a job.
SELECT no, worker, epoch, lease_until_ms, waiting_row, waiting_since_ms
FROM spans WHERE job = ?1 AND state = 'leased' ORDER BY no
