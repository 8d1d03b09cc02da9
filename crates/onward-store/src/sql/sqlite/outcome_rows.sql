-- Which rows of a span have an outcome.
SELECT row FROM outcomes WHERE job = ?1 AND row >= ?2 AND row < ?3
