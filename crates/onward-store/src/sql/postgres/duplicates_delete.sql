DELETE FROM onward.duplicates WHERE input = $1
