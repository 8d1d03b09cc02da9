-- Workers heard of after a moment, by id.
SELECT id, host, pid, started_at, beat_ms, draining FROM onward.workers WHERE beat_ms > $1 ORDER BY id
