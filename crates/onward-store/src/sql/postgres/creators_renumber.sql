-- Creators go along with their rows: those from the first row on that moves ($2), and none whose row was
-- gone before (from $3 on).
UPDATE onward.creators
SET row = row + (SELECT delta FROM onward.moves WHERE moves.job = $1 AND moves.first <= creators.row
                 ORDER BY moves.first DESC LIMIT 1)
WHERE job = $1 AND row >= $2 AND row < $3
