-- The second half of numbering records anew: from below zero to where they belong.
UPDATE onward.outcomes SET row = -1 - row WHERE job = $1 AND row < 0
