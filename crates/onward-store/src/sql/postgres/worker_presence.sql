-- The moment, when a worker's last sign of life was written, what it is asked to do, its place, and of how many.
SELECT now_ms, last_ms, drains, before, living FROM onward.presence($1, $2, $3)
