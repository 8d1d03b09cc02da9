-- When a worker's last sign of life was written.
SELECT beat_ms FROM workers WHERE id = ?1
