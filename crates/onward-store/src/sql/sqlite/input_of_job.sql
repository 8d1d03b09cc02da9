SELECT input FROM jobs WHERE id = ?1
