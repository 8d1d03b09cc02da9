DELETE FROM duplicates WHERE input = ?1
