-- An input that is being read.
INSERT INTO onward.inputs (uuid) SELECT $1 WHERE NOT EXISTS (SELECT 1 FROM onward.inputs WHERE uuid = $1)
ON CONFLICT DO NOTHING
