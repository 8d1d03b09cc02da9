-- Chunks and duplicates go with it.
DELETE FROM onward.inputs WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM onward.jobs WHERE input = $1)
