-- Workers not heard of since ?1.
DELETE FROM workers WHERE beat_ms <= ?1
