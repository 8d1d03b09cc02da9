-- Workers not heard of since a moment.
DELETE FROM onward.workers WHERE beat_ms <= $1
