-- Keys whose request died with its process.
DELETE FROM answers WHERE status IS NULL
