-- What the spans of a job add up to, and when the last outcome became durable; and up to when
-- its workers had nothing due.
SELECT coalesce(sum(added), 0), coalesce(sum(failed), 0), coalesce(sum(skipped), 0),
       coalesce(sum(filtered), 0), max(beat_ms), max(rests_until_ms)
FROM spans WHERE job = ?1
