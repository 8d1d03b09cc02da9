-- A job that was deleted meanwhile has nothing to add to.
INSERT INTO heard (job, minute, status, calls)
SELECT id, ?2, ?3, ?4 FROM jobs WHERE uuid = ?1
ON CONFLICT (job, minute, status) DO UPDATE SET calls = calls + excluded.calls
