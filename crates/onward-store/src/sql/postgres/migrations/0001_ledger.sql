-- The ledger. Jobs and inputs have integer keys inside and UUIDs outside; times are milliseconds
-- since 1970. Row numbers count from 0 in the tables and from 1 in the views, which are for people.

-- Immutable snapshots of CSV files. `summary` is everything known of the file, as JSON.
CREATE TABLE onward.inputs (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uuid      uuid    NOT NULL UNIQUE,
    sealed_at bigint,
    available boolean NOT NULL DEFAULT true,
    filename  text    NOT NULL DEFAULT '',
    sha256    text    NOT NULL DEFAULT '',
    bytes     bigint  NOT NULL DEFAULT 0,
    row_count bigint  NOT NULL DEFAULT 0,
    summary   text
);

-- The rows of an input, packed, one chunk for each span.
CREATE TABLE onward.chunks (
    input     integer NOT NULL REFERENCES onward.inputs (id) ON DELETE CASCADE,
    no        integer NOT NULL,
    first_row bigint  NOT NULL,
    row_count integer NOT NULL,
    digest    text    NOT NULL,
    packed    bytea   NOT NULL,
    PRIMARY KEY (input, no)
);
-- Compressed already.
ALTER TABLE onward.chunks ALTER COLUMN packed SET STORAGE EXTERNAL;

-- Rows that repeat an earlier row of the file, by chunk: pairs of little-endian 32-bit numbers
-- (this row, the first row with the same key).
CREATE TABLE onward.duplicates (
    input integer NOT NULL REFERENCES onward.inputs (id) ON DELETE CASCADE,
    no    integer NOT NULL,
    pairs bytea   NOT NULL,
    PRIMARY KEY (input, no)
);

CREATE TABLE onward.jobs (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uuid        uuid    NOT NULL UNIQUE,
    name        text    NOT NULL,
    state       text    NOT NULL
        CHECK (state IN ('queued', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    pause       text    CHECK (pause IS NULL OR state = 'paused'),
    error       text    CHECK (error IS NULL OR state = 'failed'),
    total       bigint  NOT NULL CHECK (total >= 0),
    attempt     integer NOT NULL DEFAULT 0,
    generation  integer NOT NULL DEFAULT 0,
    epoch       bigint  NOT NULL DEFAULT 0,
    created_at  bigint  NOT NULL,
    started_at  bigint,
    updated_at  bigint  NOT NULL,
    finished_at bigint  CHECK ((finished_at IS NULL) = (state IN ('queued', 'running', 'paused'))),
    attempt_at  bigint,
    input       integer NOT NULL REFERENCES onward.inputs (id),
    recipe      text    NOT NULL,
    tuning      text    NOT NULL DEFAULT '{}',
    work_digest text    NOT NULL
) WITH (fillfactor = 70);

-- One active job per input and recipe: kept by the database, whoever asks.
CREATE UNIQUE INDEX jobs_one_active ON onward.jobs (work_digest)
    WHERE state IN ('queued', 'running', 'paused');
CREATE INDEX jobs_by_work ON onward.jobs (work_digest, uuid);
CREATE INDEX jobs_by_state ON onward.jobs (state, uuid);
CREATE INDEX jobs_by_input ON onward.jobs (input);

-- A creator outlives the job that added it, and still names it.
CREATE TABLE onward.deleted_jobs (
    id   integer PRIMARY KEY,
    uuid uuid    NOT NULL UNIQUE
);

-- Neighbouring rows leased as a unit. The counters live here and nowhere else, written by the holder
-- of the lease in the statement of the outcomes; `epoch` is the fence. Half of every page is left
-- free, so that a new version of a span lies beside the old one and no index is touched.
CREATE TABLE onward.spans (
    job              integer NOT NULL REFERENCES onward.jobs (id) ON DELETE CASCADE,
    no               integer NOT NULL,
    first_row        bigint  NOT NULL,
    row_count        integer NOT NULL CHECK (row_count > 0),
    state            text    NOT NULL DEFAULT 'free' CHECK (state IN ('free', 'leased', 'done')),
    epoch            bigint  NOT NULL DEFAULT 0,
    worker           text    CHECK ((worker IS NOT NULL) = (state = 'leased')),
    lease_until_ms   bigint  CHECK ((lease_until_ms IS NOT NULL) = (state = 'leased')),
    beat_ms          bigint,
    low_water        bigint  NOT NULL CHECK (low_water BETWEEN first_row AND first_row + row_count),
    claimed_until    bigint  NOT NULL CHECK (claimed_until BETWEEN first_row AND first_row + row_count),
    waiting_row      bigint,
    waiting_since_ms bigint,
    added            integer NOT NULL DEFAULT 0 CHECK (added >= 0),
    failed           integer NOT NULL DEFAULT 0 CHECK (failed >= 0),
    skipped          integer NOT NULL DEFAULT 0 CHECK (skipped >= 0),
    filtered         integer NOT NULL DEFAULT 0 CHECK (filtered >= 0),
    CHECK (added + failed + skipped + filtered <= row_count),
    CHECK ((state = 'done') = (added + failed + skipped + filtered = row_count)),
    PRIMARY KEY (job, no)
) WITH (fillfactor = 50);

CREATE INDEX spans_free ON onward.spans (job, no) WHERE state = 'free';
CREATE INDEX spans_leased ON onward.spans (job, no) WHERE state = 'leased';

-- The ledger itself: one record per row that has an outcome.
-- outcome: 0 added, 1 failed, 2 skipped, 3 filtered. A plain success leaves code and message out.
CREATE TABLE onward.outcomes (
    finished_at bigint   NOT NULL,
    epoch       bigint   NOT NULL,
    job         integer  NOT NULL,
    row         integer  NOT NULL,
    generation  integer  NOT NULL,
    tries       integer  NOT NULL,
    duration_ms integer  NOT NULL,
    outcome     smallint NOT NULL CHECK (outcome BETWEEN 0 AND 3),
    key         text,
    code        text,
    message     text,
    result      text,
    PRIMARY KEY (job, row)
);

-- Only what is not a plain success is looked for by its outcome; a success costs no index entry.
CREATE INDEX outcomes_other ON onward.outcomes (job, outcome, row) WHERE outcome <> 0;

-- Outcomes that a retry took out of the ledger.
CREATE TABLE onward.history (
    finished_at bigint   NOT NULL,
    epoch       bigint   NOT NULL,
    job         integer  NOT NULL,
    row         integer  NOT NULL,
    generation  integer  NOT NULL,
    tries       integer  NOT NULL,
    duration_ms integer  NOT NULL,
    outcome     smallint NOT NULL CHECK (outcome BETWEEN 0 AND 3),
    key         text,
    code        text,
    message     text,
    result      text,
    PRIMARY KEY (job, row, generation)
);

-- What the creators work has added. `list` is `[add] table` of the recipe. Ordered byte by byte,
-- whatever the language of the database.
CREATE TABLE onward.creators (
    list     text    COLLATE "C" NOT NULL,
    key      text    COLLATE "C" NOT NULL,
    data     text    NOT NULL,
    job      integer NOT NULL,
    row      integer NOT NULL,
    added_at bigint  NOT NULL,
    PRIMARY KEY (list, key)
);

-- Numbered in the order in which they become visible: whoever writes one holds the turn.
CREATE TABLE onward.events (
    seq      bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job      integer NOT NULL REFERENCES onward.jobs (id) ON DELETE CASCADE,
    at       bigint  NOT NULL,
    kind     text    NOT NULL,
    actor    text    NOT NULL,
    epoch    bigint  NOT NULL,
    from_row bigint,
    detail   text    NOT NULL
);
CREATE INDEX events_by_job ON onward.events (job, seq);

-- Answers kept for requests that carry an Idempotency-Key.
CREATE TABLE onward.answers (
    key         text    PRIMARY KEY,
    fingerprint text    NOT NULL,
    reserved_at bigint  NOT NULL,
    status      integer,
    body        text
);
CREATE INDEX answers_by_age ON onward.answers (reserved_at);

-- A place to write to, to see whether the database takes it.
CREATE TABLE onward.meta (
    key   text PRIMARY KEY,
    value text NOT NULL
);

-- Worker processes that are alive, one row for each start of one; host and pid are for people.
CREATE TABLE onward.workers (
    id         text    COLLATE "C" PRIMARY KEY,
    host       text    NOT NULL,
    pid        bigint  NOT NULL,
    started_at bigint  NOT NULL,
    beat_ms    bigint  NOT NULL,
    draining   boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);

-- Where the shared rate of a job stands: the moment of its next free turn, in microseconds since 1970.
CREATE TABLE onward.turns (
    job     integer PRIMARY KEY REFERENCES onward.jobs (id) ON DELETE CASCADE,
    mark_us bigint
) WITH (fillfactor = 50);

-- For people -----------------------------------------------------------------------------------

CREATE VIEW onward.job_progress AS
SELECT jobs.uuid AS job_id,
       jobs.name AS name,
       jobs.state AS status,
       jobs.total AS total_items,
       coalesce(sum(added + failed + skipped + filtered), 0)::bigint AS processed_items,
       coalesce(sum(added), 0)::bigint AS added,
       coalesce(sum(failed), 0)::bigint AS failed,
       coalesce(sum(skipped), 0)::bigint AS skipped,
       coalesce(sum(filtered), 0)::bigint AS filtered
FROM onward.jobs LEFT JOIN onward.spans ON spans.job = jobs.id
GROUP BY jobs.id;

CREATE VIEW onward.rows AS
SELECT jobs.uuid AS job_id,
       outcomes.row::bigint + 1 AS row,
       coalesce(outcomes.key, '') AS key,
       CASE outcome WHEN 0 THEN 'added' WHEN 1 THEN 'failed' WHEN 2 THEN 'skipped' ELSE 'filtered' END
           AS outcome,
       coalesce(code, 'added') AS code,
       coalesce(message, 'added') AS message,
       tries,
       to_timestamp(outcomes.finished_at / 1000.0) AS finished_at
FROM onward.outcomes JOIN onward.jobs ON jobs.id = outcomes.job;

CREATE VIEW onward.failed_rows AS
SELECT jobs.uuid AS job_id,
       outcomes.row::bigint + 1 AS row,
       coalesce(outcomes.key, '') AS key,
       'failed' AS outcome,
       coalesce(code, '') AS code,
       coalesce(message, '') AS message,
       tries,
       to_timestamp(outcomes.finished_at / 1000.0) AS finished_at
FROM onward.outcomes JOIN onward.jobs ON jobs.id = outcomes.job
WHERE outcome <> 0 AND outcome = 1;
