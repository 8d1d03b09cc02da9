-- Numbers records anew, below zero, where no number is taken yet: those from the first row on that moves
-- (?2), and none that were gone before (from ?3 on).
UPDATE history
SET row = -1 - row - (SELECT delta FROM moves WHERE moves.job = ?1 AND moves.first <= history.row
                      ORDER BY moves.first DESC LIMIT 1)
WHERE job = ?1 AND row >= ?2 AND row < ?3
