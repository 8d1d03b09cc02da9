DELETE FROM onward.meta WHERE key = 'ping'
