-- Holds every span of a job ($1) that somebody has claimed: commits that are under way end first.
SELECT no FROM onward.spans WHERE job = $1 AND state = 'leased' ORDER BY no FOR UPDATE
