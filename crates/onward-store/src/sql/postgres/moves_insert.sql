INSERT INTO onward.moves (job, first, delta)
SELECT $1, first, delta FROM unnest($2::integer[], $3::integer[]) AS move (first, delta)
