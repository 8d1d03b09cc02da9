-- Whoever changes a job holds its row: commands, claims and rescues of one job come one after the other.
SELECT id, (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM onward.jobs WHERE uuid = $1
FOR NO KEY UPDATE
