DELETE FROM outcomes WHERE job = ?1
