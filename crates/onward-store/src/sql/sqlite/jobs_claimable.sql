-- Queued or running jobs with a span nobody holds, in which more is left than rows that wait for a person;
-- oldest first.
SELECT uuid FROM jobs
WHERE state IN ('queued', 'running')
  AND EXISTS (
      SELECT 1 FROM spans
      WHERE spans.job = jobs.id AND spans.state = 'free'
        AND added + failed + skipped + filtered + (
            SELECT count(*) FROM doubts
            WHERE doubts.job = spans.job AND doubts.stand = 'held'
              AND doubts.row >= spans.first_row AND doubts.row < spans.first_row + spans.row_count) < row_count)
ORDER BY uuid LIMIT ?1
