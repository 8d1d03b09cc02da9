DELETE FROM onward.spans WHERE job = $1
