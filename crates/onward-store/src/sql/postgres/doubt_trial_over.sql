-- The row is tried alone no more.
UPDATE onward.doubts SET alone = false
WHERE job = (SELECT id FROM onward.jobs WHERE uuid = $1) AND row = $2 AND tried_under = $3
