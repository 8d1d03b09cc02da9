-- What a sender (?1) had, or all of them had, is free.
UPDATE deliveries SET holder = NULL, held_until = NULL WHERE holder IS NOT NULL AND (?1 IS NULL OR holder = ?1)
