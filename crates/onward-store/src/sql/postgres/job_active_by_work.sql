-- The active job over these bytes and this recipe.
SELECT uuid FROM onward.jobs WHERE work_digest = $1 AND state IN ('queued', 'running', 'paused')
