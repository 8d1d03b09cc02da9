-- Each state by the index over them: those that end well, most of all jobs, are not read.
SELECT (SELECT count(*) FROM jobs WHERE state = 'running'),
       (SELECT count(*) FROM jobs WHERE state = 'queued'),
       (SELECT count(*) FROM jobs WHERE state = 'paused'),
       (SELECT count(*) FROM jobs WHERE state = 'failed')
