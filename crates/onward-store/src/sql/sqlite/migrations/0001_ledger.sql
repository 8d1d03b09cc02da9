-- The ledger. Jobs and inputs have integer keys inside and UUIDs outside; times are milliseconds
-- since 1970. Row numbers count from 0 in the tables and from 1 in the views, which are for people.

-- Immutable snapshots of CSV files. `summary` is everything known of the file, as JSON.
CREATE TABLE inputs (
    id        INTEGER PRIMARY KEY,
    uuid      TEXT    NOT NULL UNIQUE,
    sealed_at INTEGER,
    available INTEGER NOT NULL DEFAULT 1 CHECK (available IN (0, 1)),
    filename  TEXT    NOT NULL DEFAULT '',
    sha256    TEXT    NOT NULL DEFAULT '',
    bytes     INTEGER NOT NULL DEFAULT 0,
    row_count INTEGER NOT NULL DEFAULT 0,
    summary   TEXT
) STRICT;

-- The rows of an input, packed, one chunk for each span.
CREATE TABLE chunks (
    input     INTEGER NOT NULL REFERENCES inputs (id) ON DELETE CASCADE,
    no        INTEGER NOT NULL,
    first_row INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    digest    TEXT    NOT NULL,
    packed    BLOB    NOT NULL,
    PRIMARY KEY (input, no)
) STRICT;

-- Rows that repeat an earlier row of the file, by chunk: pairs of little-endian 32-bit numbers
-- (this row, the first row with the same key).
CREATE TABLE duplicates (
    input INTEGER NOT NULL REFERENCES inputs (id) ON DELETE CASCADE,
    no    INTEGER NOT NULL,
    pairs BLOB    NOT NULL,
    PRIMARY KEY (input, no)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid        TEXT    NOT NULL UNIQUE,
    name        TEXT    NOT NULL,
    state       TEXT    NOT NULL
        CHECK (state IN ('queued', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    pause       TEXT    CHECK (pause IS NULL OR state = 'paused'),
    error       TEXT    CHECK (error IS NULL OR state = 'failed'),
    total       INTEGER NOT NULL CHECK (total >= 0),
    attempt     INTEGER NOT NULL DEFAULT 0,
    generation  INTEGER NOT NULL DEFAULT 0,
    epoch       INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL,
    started_at  INTEGER,
    updated_at  INTEGER NOT NULL,
    finished_at INTEGER CHECK ((finished_at IS NULL) = (state IN ('queued', 'running', 'paused'))),
    attempt_at  INTEGER,
    input       INTEGER NOT NULL REFERENCES inputs (id),
    recipe      TEXT    NOT NULL,
    tuning      TEXT    NOT NULL DEFAULT '{}',
    work_digest TEXT    NOT NULL
) STRICT;

-- One active job per input and recipe: kept by the database, whoever asks.
CREATE UNIQUE INDEX jobs_one_active ON jobs (work_digest) WHERE state IN ('queued', 'running', 'paused');
CREATE INDEX jobs_by_work ON jobs (work_digest, uuid);
CREATE INDEX jobs_by_state ON jobs (state, uuid);
CREATE INDEX jobs_by_input ON jobs (input);
CREATE INDEX jobs_by_change ON jobs (updated_at);

-- A creator outlives the job that added it, and still names it.
CREATE TABLE deleted_jobs (
    id   INTEGER PRIMARY KEY,
    uuid TEXT    NOT NULL UNIQUE
) STRICT;

-- Neighbouring rows leased as a unit. The counters live here and nowhere else, written by the holder
-- of the lease in the transaction of the outcomes; `epoch` is the fence.
CREATE TABLE spans (
    job              INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    no               INTEGER NOT NULL,
    first_row        INTEGER NOT NULL,
    row_count        INTEGER NOT NULL CHECK (row_count > 0),
    state            TEXT    NOT NULL DEFAULT 'free' CHECK (state IN ('free', 'leased', 'done')),
    epoch            INTEGER NOT NULL DEFAULT 0,
    worker           TEXT    CHECK ((worker IS NOT NULL) = (state = 'leased')),
    lease_until_ms   INTEGER CHECK ((lease_until_ms IS NOT NULL) = (state = 'leased')),
    beat_ms          INTEGER,
    low_water        INTEGER NOT NULL CHECK (low_water BETWEEN first_row AND first_row + row_count),
    claimed_until    INTEGER NOT NULL CHECK (claimed_until BETWEEN first_row AND first_row + row_count),
    waiting_row      INTEGER,
    waiting_since_ms INTEGER,
    added            INTEGER NOT NULL DEFAULT 0 CHECK (added >= 0),
    failed           INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0),
    skipped          INTEGER NOT NULL DEFAULT 0 CHECK (skipped >= 0),
    filtered         INTEGER NOT NULL DEFAULT 0 CHECK (filtered >= 0),
    CHECK (added + failed + skipped + filtered <= row_count),
    CHECK ((state = 'done') = (added + failed + skipped + filtered = row_count)),
    PRIMARY KEY (job, no)
) STRICT, WITHOUT ROWID;

CREATE INDEX spans_free ON spans (job, no) WHERE state = 'free';
CREATE INDEX spans_leased ON spans (job, no) WHERE state = 'leased';

-- The ledger itself: one record per row that has an outcome.
-- outcome: 0 added, 1 failed, 2 skipped, 3 filtered. A plain success leaves code and message out.
CREATE TABLE outcomes (
    job         INTEGER NOT NULL,
    row         INTEGER NOT NULL,
    outcome     INTEGER NOT NULL CHECK (outcome BETWEEN 0 AND 3),
    key         TEXT,
    finished_at INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    generation  INTEGER NOT NULL,
    tries       INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    code        TEXT,
    message     TEXT,
    result      TEXT,
    PRIMARY KEY (job, row)
) STRICT, WITHOUT ROWID;

-- Only what is not a plain success is looked for by its outcome; a success costs no index entry.
CREATE INDEX outcomes_other ON outcomes (job, outcome, row) WHERE outcome <> 0;

-- Outcomes that a retry took out of the ledger.
CREATE TABLE history (
    job         INTEGER NOT NULL,
    row         INTEGER NOT NULL,
    generation  INTEGER NOT NULL,
    outcome     INTEGER NOT NULL CHECK (outcome BETWEEN 0 AND 3),
    key         TEXT,
    finished_at INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    tries       INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    code        TEXT,
    message     TEXT,
    result      TEXT,
    PRIMARY KEY (job, row, generation)
) STRICT, WITHOUT ROWID;

-- What the creators work has added. `list` is `[add] table` of the recipe.
CREATE TABLE creators (
    id       INTEGER PRIMARY KEY,
    list     TEXT    NOT NULL,
    key      TEXT    NOT NULL,
    data     TEXT    NOT NULL,
    job      INTEGER NOT NULL,
    row      INTEGER NOT NULL,
    added_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX creators_by_key ON creators (list, key);

CREATE TABLE events (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    job      INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    at       INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    actor    TEXT    NOT NULL,
    epoch    INTEGER NOT NULL,
    from_row INTEGER,
    detail   TEXT    NOT NULL
) STRICT;
CREATE INDEX events_by_job ON events (job, seq);

-- Answers kept for requests that carry an Idempotency-Key.
CREATE TABLE answers (
    key         TEXT    NOT NULL PRIMARY KEY,
    fingerprint TEXT    NOT NULL,
    reserved_at INTEGER NOT NULL,
    status      INTEGER,
    body        TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_by_age ON answers (reserved_at);

-- A place to write to, to see whether the disk takes it.
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- For people -----------------------------------------------------------------------------------

CREATE VIEW job_progress AS
SELECT jobs.uuid AS job_id,
       jobs.name AS name,
       jobs.state AS status,
       jobs.total AS total_items,
       coalesce(sum(added + failed + skipped + filtered), 0) AS processed_items,
       coalesce(sum(added), 0) AS added,
       coalesce(sum(failed), 0) AS failed,
       coalesce(sum(skipped), 0) AS skipped,
       coalesce(sum(filtered), 0) AS filtered
FROM jobs LEFT JOIN spans ON spans.job = jobs.id
GROUP BY jobs.id;

CREATE VIEW rows AS
SELECT jobs.uuid AS job_id,
       outcomes.row + 1 AS row,
       coalesce(outcomes.key, '') AS key,
       CASE outcome WHEN 0 THEN 'added' WHEN 1 THEN 'failed' WHEN 2 THEN 'skipped' ELSE 'filtered' END
           AS outcome,
       coalesce(code, 'added') AS code,
       coalesce(message, 'added') AS message,
       tries,
       strftime('%Y-%m-%dT%H:%M:%fZ', outcomes.finished_at / 1000.0, 'unixepoch') AS finished_at
FROM outcomes JOIN jobs ON jobs.id = outcomes.job;

CREATE VIEW failed_rows AS
SELECT jobs.uuid AS job_id,
       outcomes.row + 1 AS row,
       coalesce(outcomes.key, '') AS key,
       'failed' AS outcome,
       coalesce(code, '') AS code,
       coalesce(message, '') AS message,
       tries,
       strftime('%Y-%m-%dT%H:%M:%fZ', outcomes.finished_at / 1000.0, 'unixepoch') AS finished_at
FROM outcomes JOIN jobs ON jobs.id = outcomes.job
WHERE outcome <> 0 AND outcome = 1;
