-- Keeps the name of a deleted job for the creators it added.
INSERT INTO deleted_jobs (id, uuid) SELECT id, uuid FROM jobs WHERE id = ?1
