-- Jobs, oldest first, on the newer side of a cursor: the page before. The rest is as in job_list.
SELECT jobs.uuid, jobs.name, inputs.filename
FROM jobs JOIN inputs ON inputs.id = jobs.input
WHERE jobs.uuid < ?1 AND (?2 = '' OR instr(?2, ',' || jobs.state || ',') > 0) AND jobs.uuid > ?3
ORDER BY jobs.uuid
