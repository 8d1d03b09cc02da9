-- Whether a job has a span that is not done.
SELECT EXISTS (SELECT 1 FROM spans WHERE job = ?1 AND state = 'free')
    OR EXISTS (SELECT 1 FROM spans WHERE job = ?1 AND state = 'leased')
