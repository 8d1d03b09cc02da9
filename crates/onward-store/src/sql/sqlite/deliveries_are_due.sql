SELECT EXISTS (SELECT 1 FROM deliveries WHERE state = 'waiting' AND next_at <= ?1
               AND (held_until IS NULL OR held_until <= ?1 OR held_until > ?2))
