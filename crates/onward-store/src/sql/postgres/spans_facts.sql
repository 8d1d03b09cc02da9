-- The spans of a job with their counters, for pictures of it.
SELECT first_row, row_count, beat_ms, added, failed, skipped, filtered
FROM onward.spans WHERE job = (SELECT id FROM onward.jobs WHERE uuid = $1) ORDER BY no
