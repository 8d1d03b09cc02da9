-- Up to when the holder of a span had nothing due: a job that waits for its rate is not stuck. It outlives the
-- holder, because who comes next waits for the same.
ALTER TABLE spans ADD COLUMN rests_until_ms INTEGER;
