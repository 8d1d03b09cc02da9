SELECT id FROM deleted_jobs WHERE uuid = ?1
