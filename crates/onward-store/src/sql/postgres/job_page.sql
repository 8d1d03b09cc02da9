-- Jobs with all that is known of them (migrations/0013_jobs_page.sql): one ($1), or a page before a cursor ($2) of some
-- states ($3) whose name or file holds a text ($4); or the page on the newer side of a cursor ($6).
SELECT * FROM onward.jobs_page($1, $2, $3, $4, $5, $6)
