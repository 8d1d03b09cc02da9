DELETE FROM doubts WHERE job = ?1 AND row = ?2
