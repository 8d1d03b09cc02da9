-- Workers heard of after ?1, by id.
SELECT id, host, pid, started_at, beat_ms, draining FROM workers WHERE beat_ms > ?1 ORDER BY id
