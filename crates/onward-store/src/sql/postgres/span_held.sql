-- A span as it stands, to say why a write was refused.
SELECT spans.state, spans.epoch, spans.first_row, spans.row_count, jobs.epoch
FROM onward.jobs LEFT JOIN onward.spans ON spans.job = jobs.id AND spans.no = $2
WHERE jobs.uuid = $1
