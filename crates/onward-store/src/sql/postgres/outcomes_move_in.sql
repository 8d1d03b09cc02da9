-- Records of the ledger of another store; one that is there already stays as it is.
INSERT INTO onward.outcomes
    (job, row, outcome, key, finished_at, epoch, generation, tries, duration_ms, code, message, result)
SELECT $1, row, outcome, key, finished_at, epoch, generation, tries, duration_ms, code, message, result
FROM unnest($2::integer[], $3::smallint[], $4::text[], $5::bigint[], $6::bigint[], $7::integer[], $8::integer[],
        $9::integer[], $10::text[], $11::text[], $12::text[])
    AS moved (row, outcome, key, finished_at, epoch, generation, tries, duration_ms, code, message, result)
ON CONFLICT DO NOTHING
