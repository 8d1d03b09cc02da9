-- Takes one span from its holder, wherever it still is his.
UPDATE onward.spans SET state = 'free', epoch = $3, worker = NULL, lease_until_ms = NULL, waiting_row = NULL,
       waiting_since_ms = NULL
WHERE job = $1 AND no = $2 AND state = 'leased' AND worker = $4 AND lease_until_ms = $5
