DELETE FROM onward.moves WHERE job = $1
