//! Taking a file in: spool, read, store, create the job.
