-- Every span that somebody holds, of all jobs or of one, and the clock.
SELECT of_job, span_no, held_by, until_ms, clock_ms, span_epoch FROM onward.leases($1)
