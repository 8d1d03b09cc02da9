-- A chunk of a sealed input that is gone: attached again.
INSERT INTO onward.chunks (input, no, first_row, row_count, digest, packed) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
