-- A span was taken from a holder who had this one row in flight and no other.
UPDATE doubts SET since = ?5, deaths = deaths + ?6, died_alone = max(died_alone, ?6), stand = ?7
WHERE job = ?1 AND row >= ?2 AND row < ?3 AND tried_under = ?4 AND alone = 1
