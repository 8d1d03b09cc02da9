-- Running jobs whose every span is done: whoever filled the last one did not live to say so.
SELECT uuid FROM onward.jobs
WHERE state = 'running'
  AND NOT EXISTS (SELECT 1 FROM onward.spans WHERE spans.job = jobs.id AND spans.state = 'free')
  AND NOT EXISTS (SELECT 1 FROM onward.spans WHERE spans.job = jobs.id AND spans.state = 'leased')
ORDER BY uuid
