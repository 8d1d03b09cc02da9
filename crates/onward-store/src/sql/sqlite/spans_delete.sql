DELETE FROM spans WHERE job = ?1
