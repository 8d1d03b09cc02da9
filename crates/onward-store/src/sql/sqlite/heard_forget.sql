DELETE FROM heard WHERE job = (SELECT id FROM jobs WHERE uuid = ?1) AND minute <= ?2
