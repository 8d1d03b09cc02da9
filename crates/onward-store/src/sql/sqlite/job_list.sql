-- Jobs, newest first, after a cursor. ?2 is empty or holds the wanted states between commas.
SELECT jobs.uuid, jobs.name, inputs.filename
FROM jobs JOIN inputs ON inputs.id = jobs.input
WHERE jobs.uuid < ?1 AND (?2 = '' OR instr(?2, ',' || jobs.state || ',') > 0)
ORDER BY jobs.uuid DESC
