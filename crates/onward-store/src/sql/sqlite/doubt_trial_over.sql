-- The row is tried alone no more.
UPDATE doubts SET alone = 0 WHERE job = ?1 AND row = ?2 AND tried_under = ?3
