-- Attached again: every chunk is there once more.
UPDATE onward.inputs SET available = true
WHERE id = $1 AND (SELECT count(*) FROM onward.chunks WHERE input = $1) >= $2
