-- The number of the last event.
SELECT max(seq) FROM onward.events
