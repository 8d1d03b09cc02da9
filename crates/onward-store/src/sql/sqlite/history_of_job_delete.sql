DELETE FROM history WHERE job = ?1
