DELETE FROM onward.answers WHERE key = $1
