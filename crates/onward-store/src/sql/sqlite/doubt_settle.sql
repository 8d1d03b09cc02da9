-- What a person says about one row that waits for him, or about all when ?3 is NULL.
UPDATE doubts SET stand = ?2 WHERE job = ?1 AND stand = 'held' AND (?3 IS NULL OR row = ?3)
