SELECT epoch FROM deliveries WHERE id = ?1
