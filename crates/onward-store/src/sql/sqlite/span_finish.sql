-- The commit that fills the span: it is no longer held.
UPDATE spans SET added = ?4, failed = ?5, skipped = ?6, filtered = ?7, low_water = first_row + row_count,
       claimed_until = first_row + row_count, beat_ms = coalesce(?8, beat_ms), lease_until_ms = NULL,
       worker = NULL, waiting_row = NULL, waiting_since_ms = NULL, state = 'done'
WHERE job = ?1 AND no = ?2 AND epoch = ?3 AND state = 'leased'
