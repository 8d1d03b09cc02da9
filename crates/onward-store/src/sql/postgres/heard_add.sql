-- Sorted, so that two processes never wait for each other. A job that was deleted meanwhile has nothing to add to.
INSERT INTO onward.heard (job, minute, status, calls)
SELECT jobs.id, told.minute, told.status, told.calls
FROM onward.jobs, unnest($2::bigint[], $3::integer[], $4::bigint[]) AS told (minute, status, calls)
WHERE jobs.uuid = $1
ORDER BY told.minute, told.status
ON CONFLICT (job, minute, status) DO UPDATE SET calls = heard.calls + excluded.calls
