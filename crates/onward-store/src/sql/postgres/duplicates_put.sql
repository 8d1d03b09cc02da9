INSERT INTO onward.duplicates (input, no, pairs)
SELECT $1, no, pairs FROM unnest($2::integer[], $3::bytea[]) AS put (no, pairs)
