-- The number of the last event.
SELECT max(seq) FROM events
