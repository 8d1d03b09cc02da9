-- Doubts about rows that are no longer in the file (from $2 on).
DELETE FROM onward.doubts WHERE job = $1 AND row >= $2
