DELETE FROM onward.chunks WHERE input = $1
