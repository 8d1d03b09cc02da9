-- What a worker (?1) is asked to do, how many living ones sort before it, and how many there are.
-- A worker that is gone from the list meanwhile is asked for nothing.
SELECT coalesce((SELECT draining FROM workers WHERE id = ?1), 0),
       count(*) FILTER (WHERE id < ?1),
       count(*)
FROM workers WHERE beat_ms > ?2 AND draining = 0
