-- Creators in order of list and key, after a cursor; $3 names one list or is NULL.
SELECT creators.list, creators.key, creators.data, coalesce(jobs.uuid, deleted_jobs.uuid), creators.row,
       creators.added_at
FROM onward.creators
LEFT JOIN onward.jobs ON jobs.id = creators.job
LEFT JOIN onward.deleted_jobs ON deleted_jobs.id = creators.job
WHERE (creators.list, creators.key) > ($1, $2) AND ($3::text IS NULL OR creators.list = $3)
  AND ($4::text IS NULL OR strpos(lower(creators.key), $4) > 0)
ORDER BY creators.list, creators.key LIMIT $5
