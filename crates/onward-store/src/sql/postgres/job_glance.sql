-- What a worker ($2) looks at each second: the job's epoch and limits, and the spans it holds.
SELECT job_epoch, job_tuning, span_no, span_epoch FROM onward.glance($1, $2)
