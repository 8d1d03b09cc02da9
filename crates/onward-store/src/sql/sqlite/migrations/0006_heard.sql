-- What the target of a job answered: calls by minute (since 1970) and status, 0 where no answer came. A day of it
-- is kept.
CREATE TABLE heard (
    job    INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    minute INTEGER NOT NULL,
    status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 999),
    calls  INTEGER NOT NULL CHECK (calls > 0),
    PRIMARY KEY (job, minute, status)
) STRICT, WITHOUT ROWID;
