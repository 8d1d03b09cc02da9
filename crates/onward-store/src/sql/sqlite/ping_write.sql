INSERT OR REPLACE INTO meta (key, value) VALUES ('ping', '1')
