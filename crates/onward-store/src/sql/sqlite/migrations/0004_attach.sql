-- While another file is attached to a job: what is added to the number of each old row from `first` on.
-- Filled and emptied in one transaction.
CREATE TABLE moves (
    job   INTEGER NOT NULL,
    first INTEGER NOT NULL,
    delta INTEGER NOT NULL,
    PRIMARY KEY (job, first)
) STRICT, WITHOUT ROWID;
