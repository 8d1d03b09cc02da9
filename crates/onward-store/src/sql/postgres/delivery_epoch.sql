-- Under which epoch a delivery was taken last.
SELECT epoch FROM onward.deliveries WHERE id = $1
