-- An input that is being read.
INSERT INTO inputs (uuid) VALUES (?1) ON CONFLICT DO NOTHING
