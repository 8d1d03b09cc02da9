-- Record by record, for verify: what the ledger says of each span, and whether the rows before its
-- checkpoint are all there and the next one is not.
SELECT spans.no,
       count(*) FILTER (WHERE outcome = 0), count(*) FILTER (WHERE outcome = 1),
       count(*) FILTER (WHERE outcome = 2), count(*) FILTER (WHERE outcome = 3),
       count(*) FILTER (WHERE outcomes.row < spans.low_water) = spans.low_water - spans.first_row
           AND NOT coalesce(bool_or(outcomes.row = spans.low_water), false)
FROM onward.spans LEFT JOIN onward.outcomes
  ON outcomes.job = $1 AND outcomes.row >= spans.first_row AND outcomes.row < spans.first_row + spans.row_count
WHERE spans.job = $1
GROUP BY spans.no, spans.low_water, spans.first_row
