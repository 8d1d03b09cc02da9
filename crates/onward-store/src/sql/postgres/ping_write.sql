INSERT INTO onward.meta (key, value) VALUES ('ping', '1') ON CONFLICT (key) DO UPDATE SET value = '1'
