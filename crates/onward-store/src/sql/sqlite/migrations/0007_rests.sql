-- Up to when the holder of a span last had nothing due: a job that waits for its rate is not stuck.
ALTER TABLE spans ADD COLUMN rests_until_ms INTEGER;
