-- Jobs of one state, newest first, after a cursor.
SELECT jobs.uuid, jobs.name, inputs.filename
FROM jobs JOIN inputs ON inputs.id = jobs.input
WHERE jobs.state = ?2 AND jobs.uuid < ?1
ORDER BY jobs.uuid DESC
