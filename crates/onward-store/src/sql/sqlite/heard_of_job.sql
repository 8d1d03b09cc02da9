SELECT minute, status, calls FROM heard
WHERE job = (SELECT id FROM jobs WHERE uuid = ?1) ORDER BY minute, status
