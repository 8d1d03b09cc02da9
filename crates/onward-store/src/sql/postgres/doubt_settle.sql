-- What a person says about rows that wait for him: those of $3, or all when it is NULL.
UPDATE onward.doubts SET stand = $2
WHERE job = $1 AND stand = 'held' AND ($3::integer[] IS NULL OR row = ANY ($3))
