-- Whether a job has a span that is not done.
SELECT onward.has_open_span($1)
