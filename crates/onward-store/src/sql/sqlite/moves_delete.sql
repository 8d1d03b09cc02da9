DELETE FROM moves WHERE job = ?1
