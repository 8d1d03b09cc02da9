-- Where the shared rate of a job stands, and the clock.
SELECT turns.mark_us, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
FROM onward.jobs LEFT JOIN onward.turns ON turns.job = jobs.id
WHERE jobs.uuid = $1
