-- Asks a worker to hand back what it holds and take no more.
UPDATE workers SET draining = 1 WHERE id = ?1
