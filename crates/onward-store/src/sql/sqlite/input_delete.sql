-- Chunks and duplicates go with it.
DELETE FROM inputs WHERE id = ?1
