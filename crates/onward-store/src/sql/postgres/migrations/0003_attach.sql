-- While another file is attached to a job: what is added to the number of each old row from `first` on.
-- Filled and emptied in one transaction.
CREATE TABLE onward.moves (
    job   integer NOT NULL,
    first integer NOT NULL,
    delta integer NOT NULL,
    PRIMARY KEY (job, first)
);
