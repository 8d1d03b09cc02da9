-- A sign of life; the first one registers the worker.
INSERT INTO onward.workers (id, host, pid, started_at, beat_ms) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET beat_ms = excluded.beat_ms
