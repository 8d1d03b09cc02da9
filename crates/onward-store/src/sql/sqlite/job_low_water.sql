-- The first missing row of the first span that is not done; NULL when every span is done.
SELECT min(low_water) FROM (
    SELECT * FROM (SELECT low_water FROM spans WHERE job = ?1 AND state = 'free' ORDER BY no LIMIT 1)
    UNION ALL
    SELECT * FROM (SELECT low_water FROM spans WHERE job = ?1 AND state = 'leased' ORDER BY no LIMIT 1)
)
