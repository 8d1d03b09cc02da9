SELECT input FROM onward.jobs WHERE id = $1
