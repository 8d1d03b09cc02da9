-- What hooks are to be told: born in the transaction of the turn they tell of, taken by one sender at a time.
-- `id` names a delivery in every store; `epoch` is the fence of its senders. `failures` and `begun_at` belong to
-- the day in which it is tried; a person may begin another.
CREATE TABLE onward.deliveries (
    no         bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         text    COLLATE "C" NOT NULL UNIQUE,
    job        integer NOT NULL REFERENCES onward.jobs (id) ON DELETE CASCADE,
    hook       integer NOT NULL,
    event      text    NOT NULL CHECK (event IN ('completed', 'failed', 'paused', 'stuck')),
    notice     text    NOT NULL,
    state      text    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'gone', 'given-up')),
    tries      integer NOT NULL DEFAULT 0,
    failures   integer NOT NULL DEFAULT 0,
    begun_at   bigint  NOT NULL,
    next_at    bigint  CHECK ((next_at IS NOT NULL) = (state = 'waiting')),
    tried_at   bigint,
    status     integer,
    message    text    NOT NULL DEFAULT '',
    epoch      bigint  NOT NULL DEFAULT 0,
    holder     text    CHECK ((holder IS NOT NULL) = (held_until IS NOT NULL)),
    held_until bigint
);
CREATE INDEX deliveries_due ON onward.deliveries (next_at) WHERE state = 'waiting';
CREATE INDEX deliveries_by_job ON onward.deliveries (job, no);
