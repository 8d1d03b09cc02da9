-- Worker processes that are alive, one row for each start of one; host and pid are for people.
CREATE TABLE workers (
    id         TEXT    NOT NULL PRIMARY KEY,
    host       TEXT    NOT NULL,
    pid        INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    beat_ms    INTEGER NOT NULL,
    draining   INTEGER NOT NULL DEFAULT 0 CHECK (draining IN (0, 1))
) STRICT, WITHOUT ROWID;

-- Where the shared rate of a job stands: the moment of its next free turn, in microseconds since 1970.
CREATE TABLE turns (
    job     INTEGER NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    mark_us INTEGER NOT NULL
) STRICT;
