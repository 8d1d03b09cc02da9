-- Where the shared rate of a job stands, and the clock. Whoever takes turns holds the mark.
SELECT turns.job, turns.mark_us, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
FROM onward.turns JOIN onward.jobs ON jobs.id = turns.job
WHERE jobs.uuid = $1
FOR UPDATE OF turns
