-- Creators in order of list and key, after a cursor; ?3 names one list or is NULL.
SELECT creators.list, creators.key, creators.data, coalesce(jobs.uuid, deleted_jobs.uuid), creators.row,
       creators.added_at
FROM creators
LEFT JOIN jobs ON jobs.id = creators.job
LEFT JOIN deleted_jobs ON deleted_jobs.id = creators.job
WHERE (creators.list, creators.key) > (?1, ?2) AND (?3 IS NULL OR creators.list = ?3)
ORDER BY creators.list, creators.key
