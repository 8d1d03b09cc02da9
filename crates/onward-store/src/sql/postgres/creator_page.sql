-- Creators in order of list and key, after a cursor; $3 names one list or is NULL. A text of
-- ASCII letters is found in ASCII letters, so the others need not be lowered (as for rows).
SELECT creators.list, creators.key, creators.data, coalesce(jobs.uuid, deleted_jobs.uuid), creators.row,
       creators.added_at
FROM onward.creators
LEFT JOIN onward.jobs ON jobs.id = creators.job
LEFT JOIN onward.deleted_jobs ON deleted_jobs.id = creators.job
WHERE (creators.list, creators.key) > ($1, $2) AND ($3::text IS NULL OR creators.list = $3)
  AND ($4::text IS NULL
       OR strpos(CASE WHEN octet_length($4) = length($4) THEN lower(creators.key COLLATE "C")
                      ELSE lower(creators.key) END, $4) > 0)
ORDER BY creators.list, creators.key LIMIT $5
