-- What a worker ($2) looks at each second: the job's epoch and limits, and the spans it holds, as of one moment.
SELECT jobs.epoch, jobs.tuning, spans.no, spans.epoch
FROM onward.jobs LEFT JOIN onward.spans
    ON spans.job = jobs.id AND spans.state = 'leased' AND spans.worker = $2
WHERE jobs.uuid = $1
ORDER BY spans.no
