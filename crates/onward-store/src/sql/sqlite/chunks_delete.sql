DELETE FROM chunks WHERE input = ?1
