-- From now on the row $4 of a span is tried alone; said by whoever holds it under the epoch $3. Rows are tried
-- in row order, each once under an epoch: what is sent again late changes nothing.
UPDATE onward.doubts
SET alone = (doubts.row = $4), tried_under = CASE WHEN doubts.row = $4 THEN $3 ELSE doubts.tried_under END
FROM onward.spans JOIN onward.jobs ON jobs.id = spans.job
WHERE jobs.uuid = $1 AND spans.no = $2 AND spans.epoch = $3 AND spans.state = 'leased'
  AND doubts.job = spans.job AND doubts.row >= spans.first_row AND doubts.row < spans.first_row + spans.row_count
  AND (doubts.alone OR doubts.row = $4)
  AND NOT EXISTS (
      SELECT 1 FROM onward.doubts AS tried
      WHERE tried.job = spans.job AND tried.row >= $4 AND tried.row < spans.first_row + spans.row_count
        AND tried.tried_under = $3)
