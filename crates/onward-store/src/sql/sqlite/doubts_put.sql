-- A span was taken from its holder: its rows from ?2 up to ?3 that have no outcome may have been called.
-- One that waits for a person, or that a person has settled, was not.
WITH RECURSIVE called (row) AS (
    SELECT ?2 WHERE ?2 < ?3
    UNION ALL
    SELECT row + 1 FROM called WHERE row + 1 < ?3
)
INSERT INTO doubts (job, row, since, deaths, stand)
SELECT ?1, row, ?4, ?5, ?6 FROM called
WHERE NOT EXISTS (SELECT 1 FROM outcomes WHERE outcomes.job = ?1 AND outcomes.row = called.row)
ON CONFLICT (job, row) DO UPDATE
SET since = excluded.since, deaths = doubts.deaths + excluded.deaths, stand = excluded.stand
WHERE doubts.stand = 'again'
