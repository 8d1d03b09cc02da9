-- Spans of a job, from one on, that hold rows with an outcome; without one, rows that ended at all.
SELECT first_row, row_count, beat_ms, added, failed, skipped, filtered
FROM spans
WHERE job = ?1 AND no >= ?2
  AND CASE ?3 WHEN 0 THEN added WHEN 1 THEN failed WHEN 2 THEN skipped WHEN 3 THEN filtered
      ELSE added + failed + skipped + filtered END > 0
ORDER BY no LIMIT ?4
