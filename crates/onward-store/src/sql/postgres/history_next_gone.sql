-- The number for the next record of a row that is gone, from $2 on.
SELECT coalesce(max(row) + 1, $2) FROM onward.history WHERE job = $1 AND row >= $2
