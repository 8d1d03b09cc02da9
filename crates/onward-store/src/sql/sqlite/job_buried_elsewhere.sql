-- The name of a job that was deleted in another store, under a number no job here will ever have.
INSERT INTO deleted_jobs (id, uuid)
SELECT min(0, coalesce((SELECT min(id) FROM deleted_jobs), 0)) - 1, ?1
WHERE NOT EXISTS (SELECT 1 FROM deleted_jobs WHERE uuid = ?1)
