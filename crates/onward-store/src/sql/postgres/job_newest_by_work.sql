-- The newest job over these bytes and this recipe.
SELECT uuid FROM onward.jobs WHERE work_digest = $1 ORDER BY uuid DESC LIMIT 1
