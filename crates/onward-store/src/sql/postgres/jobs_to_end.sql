-- Running jobs whose every span is done.
SELECT onward.jobs_to_end()
