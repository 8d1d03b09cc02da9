-- A record that a retry took out of the ledger of another store.
INSERT INTO history
    (job, row, outcome, key, finished_at, epoch, generation, tries, duration_ms, code, message, result)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
ON CONFLICT DO NOTHING
