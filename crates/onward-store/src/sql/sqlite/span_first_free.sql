-- The first span that nobody holds and in which more is left than rows that wait for a person.
SELECT no, first_row, row_count, claimed_until FROM spans
WHERE job = ?1 AND state = 'free'
  AND added + failed + skipped + filtered + (
      SELECT count(*) FROM doubts
      WHERE doubts.job = spans.job AND doubts.stand = 'held'
        AND doubts.row >= spans.first_row AND doubts.row < spans.first_row + spans.row_count) < row_count
ORDER BY no LIMIT 1
