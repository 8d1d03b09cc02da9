SELECT state, count(*) FROM onward.jobs GROUP BY state
