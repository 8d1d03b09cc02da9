-- One job without what its spans say.
SELECT jobs.id, jobs.uuid, jobs.name, jobs.state, jobs.pause, jobs.error, jobs.total, jobs.attempt,
       jobs.generation, jobs.epoch, jobs.created_at, jobs.started_at, jobs.updated_at, jobs.finished_at,
       jobs.attempt_at, jobs.recipe, jobs.tuning, jobs.work_digest,
       inputs.uuid, inputs.filename, inputs.sha256, inputs.bytes, inputs.available
FROM jobs JOIN inputs ON inputs.id = jobs.input
WHERE jobs.uuid = ?1
