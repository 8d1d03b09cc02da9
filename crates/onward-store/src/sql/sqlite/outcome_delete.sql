DELETE FROM outcomes WHERE job = ?1 AND row = ?2
