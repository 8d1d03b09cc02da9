-- A worker has stopped by itself.
DELETE FROM workers WHERE id = ?1
