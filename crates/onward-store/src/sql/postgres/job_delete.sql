-- Spans and events go with it.
DELETE FROM onward.jobs WHERE id = $1
