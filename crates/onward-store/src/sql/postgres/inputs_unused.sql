-- Inputs no job refers to.
SELECT id, uuid, sealed_at FROM onward.inputs
WHERE NOT EXISTS (SELECT 1 FROM onward.jobs WHERE jobs.input = inputs.id)
