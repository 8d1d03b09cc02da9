-- Rows whose call may have happened when their span was taken from its holder, and how nobody knows. Those
-- with an outcome by now are no longer in doubt. `tried_under` is the epoch under which the row was tried while
-- nothing else was in flight, `alone` whether it still is.
CREATE TABLE onward.doubts (
    job         integer NOT NULL REFERENCES onward.jobs (id) ON DELETE CASCADE,
    row         integer NOT NULL,
    since       bigint  NOT NULL,
    deaths      integer NOT NULL CHECK (deaths >= 0),
    died_alone  boolean NOT NULL DEFAULT false,
    stand       text    NOT NULL CHECK (stand IN ('again', 'held', 'done')),
    tried_under bigint,
    alone       boolean NOT NULL DEFAULT false,
    PRIMARY KEY (job, row)
);
CREATE INDEX doubts_held ON onward.doubts (job, row) WHERE stand = 'held';

CREATE VIEW onward.rows_in_doubt AS
SELECT jobs.uuid AS job_id,
       doubts.row::bigint + 1 AS row,
       doubts.stand AS stand,
       doubts.deaths AS deaths,
       to_timestamp(doubts.since / 1000.0) AS since
FROM onward.doubts JOIN onward.jobs ON jobs.id = doubts.job
WHERE NOT EXISTS (SELECT 1 FROM onward.outcomes WHERE outcomes.job = doubts.job AND outcomes.row = doubts.row);
