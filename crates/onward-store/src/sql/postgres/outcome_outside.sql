-- Records of rows the job does not have.
SELECT count(*) FROM onward.outcomes WHERE job = $1 AND (row < 0 OR row >= $2)
