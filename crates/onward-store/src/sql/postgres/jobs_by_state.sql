-- Each state by the index over them: those that end well, most of all jobs, are not read.
SELECT (SELECT count(*) FROM onward.jobs WHERE state = 'running'),
       (SELECT count(*) FROM onward.jobs WHERE state = 'queued'),
       (SELECT count(*) FROM onward.jobs WHERE state = 'paused'),
       (SELECT count(*) FROM onward.jobs WHERE state = 'failed')
