-- Takes every span of a job from its holder.
UPDATE onward.spans SET state = 'free', epoch = $2, worker = NULL, lease_until_ms = NULL, waiting_row = NULL,
       waiting_since_ms = NULL
WHERE job = $1 AND state = 'leased'
