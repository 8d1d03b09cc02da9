DELETE FROM onward.history WHERE job = $1
