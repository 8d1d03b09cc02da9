-- A span of a job that moves in, under the epoch the job had over there; nobody holds it.
UPDATE spans SET epoch = ?3, added = ?4, failed = ?5, skipped = ?6, filtered = ?7, low_water = ?8, claimed_until = ?8,
       beat_ms = ?9, state = CASE WHEN ?4 + ?5 + ?6 + ?7 = row_count THEN 'done' ELSE 'free' END
WHERE job = ?1 AND no = ?2 AND state <> 'leased'
