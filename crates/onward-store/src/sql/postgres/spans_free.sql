-- Takes every span of a job from its holder, and answers which, with the epoch each was held under.
WITH held AS MATERIALIZED (
    SELECT job, no, epoch FROM onward.spans WHERE job = $1 AND state = 'leased' ORDER BY no FOR UPDATE
)
UPDATE onward.spans SET state = 'free', epoch = $2, worker = NULL, lease_until_ms = NULL, waiting_row = NULL,
       waiting_since_ms = NULL
FROM held WHERE spans.job = held.job AND spans.no = held.no AND spans.state = 'leased'
RETURNING spans.no, held.epoch
