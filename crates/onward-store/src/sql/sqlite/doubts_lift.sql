-- Doubts go along with their rows, below zero at first, where no number is taken yet: those from the first
-- row on that moves (?2).
UPDATE doubts
SET row = -1 - row - (SELECT delta FROM moves WHERE moves.job = ?1 AND moves.first <= doubts.row
                      ORDER BY moves.first DESC LIMIT 1)
WHERE job = ?1 AND row >= ?2
