-- What was in doubt about rows ($2) that are done again is over.
DELETE FROM onward.doubts WHERE job = $1 AND row = ANY ($2::integer[])
