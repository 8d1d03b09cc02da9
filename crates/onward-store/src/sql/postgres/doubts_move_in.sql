INSERT INTO onward.doubts (job, row, since, deaths, died_alone, stand)
SELECT $1, row, since, deaths, died_alone, stand
FROM unnest($2::integer[], $3::bigint[], $4::integer[], $5::boolean[], $6::text[])
    AS moved (row, since, deaths, died_alone, stand)
ON CONFLICT DO NOTHING
