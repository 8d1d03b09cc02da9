-- Inputs no job refers to.
SELECT id, uuid, sealed_at FROM inputs WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.input = inputs.id)
