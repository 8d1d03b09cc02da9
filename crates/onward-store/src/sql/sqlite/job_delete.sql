-- Spans and events go with it.
DELETE FROM jobs WHERE id = ?1
