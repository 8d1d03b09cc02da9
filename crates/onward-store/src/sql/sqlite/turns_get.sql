-- Where the shared rate of a job stands.
SELECT mark_us FROM turns WHERE job = ?1
