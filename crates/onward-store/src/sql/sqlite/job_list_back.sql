-- Jobs of one state, oldest first, on the newer side of a cursor: the page before.
SELECT jobs.uuid, jobs.name, inputs.filename
FROM jobs JOIN inputs ON inputs.id = jobs.input
WHERE jobs.state = ?2 AND jobs.uuid < ?1 AND jobs.uuid > ?3
ORDER BY jobs.uuid
