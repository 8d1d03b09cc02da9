-- A span, once every statement that had begun to write to it has ended.
SELECT spans.state, spans.epoch, spans.first_row, spans.row_count, spans.claimed_until, jobs.generation,
       inputs.uuid
FROM onward.jobs JOIN onward.inputs ON inputs.id = jobs.input
JOIN onward.spans ON spans.job = jobs.id AND spans.no = $2
WHERE jobs.uuid = $1
FOR SHARE OF spans
