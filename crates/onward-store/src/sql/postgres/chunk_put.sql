-- A chunk of an input that is not sealed; the first one opens the input. Nothing is written, and no row
-- answered, when the input is sealed, or somebody opens it at the same moment.
WITH opened AS (
    INSERT INTO onward.inputs (uuid) SELECT $1 WHERE NOT EXISTS (SELECT 1 FROM onward.inputs WHERE uuid = $1)
    ON CONFLICT DO NOTHING
    RETURNING id
), input AS (
    SELECT id FROM opened
    UNION ALL
    SELECT id FROM onward.inputs WHERE uuid = $1 AND sealed_at IS NULL
)
INSERT INTO onward.chunks (input, no, first_row, row_count, digest, packed)
SELECT id, $2, $3, $4, $5, $6 FROM input
ON CONFLICT (input, no) DO UPDATE SET first_row = excluded.first_row, row_count = excluded.row_count,
    digest = excluded.digest, packed = excluded.packed
RETURNING input
