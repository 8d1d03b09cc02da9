-- Asks a worker to hand back what it holds and take no more.
UPDATE onward.workers SET draining = true WHERE id = $1
