-- Keeps the name of a deleted job for the creators it added.
INSERT INTO onward.deleted_jobs (id, uuid) SELECT id, uuid FROM onward.jobs WHERE id = $1
