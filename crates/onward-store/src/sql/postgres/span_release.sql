-- Its holder gives it back.
UPDATE onward.spans SET state = 'free', worker = NULL, lease_until_ms = NULL, waiting_row = NULL,
       waiting_since_ms = NULL
FROM onward.jobs
WHERE jobs.uuid = $1 AND spans.job = jobs.id AND spans.no = $2 AND spans.epoch = $3 AND spans.state = 'leased'
