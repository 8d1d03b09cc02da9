-- A worker has stopped by itself.
DELETE FROM onward.workers WHERE id = $1
