DELETE FROM onward.heard WHERE job = (SELECT id FROM onward.jobs WHERE uuid = $1) AND minute <= $2
