-- Whether one worker at a time may work on a job: it is probed, or held after so many rows.
SELECT coalesce((tuning::json ->> 'probes')::bigint, 0) > 0 OR tuning::json ->> 'hold_at' IS NOT NULL
FROM onward.jobs WHERE uuid = $1
