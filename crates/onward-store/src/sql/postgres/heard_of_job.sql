SELECT minute, status, calls FROM onward.heard
WHERE job = (SELECT id FROM onward.jobs WHERE uuid = $1) ORDER BY minute, status
