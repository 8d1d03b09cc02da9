-- What hooks are to be told: born in the transaction of the turn they tell of, taken by one sender at a time.
-- `id` names a delivery in every store; `epoch` is the fence of its senders. `failures` and `begun_at` belong to
-- the day in which it is tried; a person may begin another.
CREATE TABLE deliveries (
    no         INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    job        INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    hook       INTEGER NOT NULL,
    event      TEXT    NOT NULL CHECK (event IN ('completed', 'failed', 'paused', 'stuck')),
    notice     TEXT    NOT NULL,
    state      TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'gone', 'given-up')),
    tries      INTEGER NOT NULL DEFAULT 0,
    failures   INTEGER NOT NULL DEFAULT 0,
    begun_at   INTEGER NOT NULL,
    next_at    INTEGER CHECK ((next_at IS NOT NULL) = (state = 'waiting')),
    tried_at   INTEGER,
    status     INTEGER,
    message    TEXT    NOT NULL DEFAULT '',
    epoch      INTEGER NOT NULL DEFAULT 0,
    holder     TEXT    CHECK ((holder IS NOT NULL) = (held_until IS NOT NULL)),
    held_until INTEGER
) STRICT;
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'waiting';
CREATE INDEX deliveries_by_job ON deliveries (job, no);
