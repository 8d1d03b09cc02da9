DELETE FROM onward.outcomes WHERE job = $1
