INSERT INTO onward.answers (key, fingerprint, reserved_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
