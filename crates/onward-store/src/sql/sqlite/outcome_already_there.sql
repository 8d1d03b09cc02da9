-- The creator was in its list already: the record just written says so.
UPDATE outcomes SET outcome = 2, code = ?3, message = ?4 WHERE job = ?1 AND row = ?2
