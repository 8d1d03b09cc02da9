-- Keys whose request died with its process.
DELETE FROM onward.answers WHERE status IS NULL
