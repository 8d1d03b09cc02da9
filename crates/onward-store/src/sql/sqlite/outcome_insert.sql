-- A record of the ledger; one that is there already stays as it is.
INSERT INTO outcomes
    (job, row, outcome, key, finished_at, epoch, generation, tries, duration_ms, code, message, result)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
ON CONFLICT DO NOTHING
