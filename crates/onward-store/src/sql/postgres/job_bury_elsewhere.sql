-- The name of a job that was deleted in another store, under a number no job here will ever have.
INSERT INTO onward.deleted_jobs (id, uuid)
SELECT least(0, (SELECT min(id) FROM onward.deleted_jobs)) - 1, $1
WHERE NOT EXISTS (SELECT 1 FROM onward.deleted_jobs WHERE uuid = $1)
  AND NOT EXISTS (SELECT 1 FROM onward.jobs WHERE uuid = $1)
ON CONFLICT DO NOTHING
