-- Counters, checkpoint and lease, under the fence.
UPDATE spans SET added = ?4, failed = ?5, skipped = ?6, filtered = ?7, low_water = ?8, claimed_until = ?9,
       beat_ms = coalesce(?10, beat_ms), lease_until_ms = ?11, waiting_row = ?12, waiting_since_ms = ?13,
       rests_until_ms = coalesce(max(rests_until_ms, ?14), rests_until_ms, ?14)
WHERE job = ?1 AND no = ?2 AND epoch = ?3 AND state = 'leased'
