-- A creator from another store, of a job that is here or was deleted.
INSERT INTO onward.creators (list, key, data, job, row, added_at)
SELECT $1, $2, $3, id, $5, $6
FROM (SELECT id FROM onward.jobs WHERE uuid = $4 UNION ALL SELECT id FROM onward.deleted_jobs WHERE uuid = $4) AS named
ON CONFLICT DO NOTHING
