-- Moves the mark of a job's shared rate.
UPDATE onward.turns SET mark_us = $2 WHERE job = $1
