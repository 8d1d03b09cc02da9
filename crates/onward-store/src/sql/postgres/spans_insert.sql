INSERT INTO onward.spans (job, no, first_row, row_count, low_water, claimed_until)
SELECT $1, no, first_row, row_count, first_row, first_row
FROM unnest($2::integer[], $3::bigint[], $4::integer[]) AS span (no, first_row, row_count)
