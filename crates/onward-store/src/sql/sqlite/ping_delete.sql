DELETE FROM meta WHERE key = 'ping'
