-- The second half of numbering doubts anew: from below zero to where they belong.
UPDATE doubts SET row = -1 - row WHERE job = ?1 AND row < 0
