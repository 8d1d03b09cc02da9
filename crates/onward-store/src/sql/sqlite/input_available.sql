-- Attached again: every chunk is there once more.
UPDATE inputs SET available = 1
WHERE id = ?1 AND (SELECT count(*) FROM chunks WHERE input = ?1) >= ?2
