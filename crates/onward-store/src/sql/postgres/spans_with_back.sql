-- The same the other way (`spans_with`): from a span back, the last first.
SELECT first_row, row_count, beat_ms, added, failed, skipped, filtered
FROM onward.spans
WHERE job = (SELECT id FROM onward.jobs WHERE uuid = $1) AND no <= $2
  AND CASE $3::smallint WHEN 0 THEN added WHEN 1 THEN failed WHEN 2 THEN skipped WHEN 3 THEN filtered
      ELSE added + failed + skipped + filtered END > 0
ORDER BY no DESC LIMIT $4
