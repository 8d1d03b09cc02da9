-- Rows whose call may have happened when their span was taken from its holder, and how nobody knows. Those
-- with an outcome by now are no longer in doubt. `tried_under` is the epoch under which the row was tried while
-- nothing else was in flight, `alone` whether it still is.
CREATE TABLE doubts (
    job         INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    row         INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    deaths      INTEGER NOT NULL CHECK (deaths >= 0),
    died_alone  INTEGER NOT NULL DEFAULT 0 CHECK (died_alone IN (0, 1)),
    stand       TEXT    NOT NULL CHECK (stand IN ('again', 'held', 'done')),
    tried_under INTEGER,
    alone       INTEGER NOT NULL DEFAULT 0 CHECK (alone IN (0, 1)),
    PRIMARY KEY (job, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX doubts_held ON doubts (job, row) WHERE stand = 'held';

CREATE VIEW rows_in_doubt AS
SELECT jobs.uuid AS job_id,
       doubts.row + 1 AS row,
       doubts.stand AS stand,
       doubts.deaths AS deaths,
       strftime('%Y-%m-%dT%H:%M:%fZ', doubts.since / 1000.0, 'unixepoch') AS since
FROM doubts JOIN jobs ON jobs.id = doubts.job
WHERE NOT EXISTS (SELECT 1 FROM outcomes WHERE outcomes.job = doubts.job AND outcomes.row = doubts.row);
