-- What the target of a job answered: calls by minute (since 1970) and status, 0 where no answer came. A day of it
-- is kept.
CREATE TABLE onward.heard (
    job    integer NOT NULL REFERENCES onward.jobs (id) ON DELETE CASCADE,
    minute bigint  NOT NULL,
    status integer NOT NULL CHECK (status BETWEEN 0 AND 999),
    calls  bigint  NOT NULL CHECK (calls > 0),
    PRIMARY KEY (job, minute, status)
);
