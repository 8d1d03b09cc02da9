-- Records in row order: of one outcome ($4), with a code ($5), with a text in key or message ($6). Those that were added
-- keep no message: it is the same for all of them, and is looked at once. A text of ASCII letters is found in ASCII
-- letters, so the others need not be lowered: that takes half as long (but for the Kelvin sign, a K outside of ASCII).
-- Without an end ($3) there is none in the condition: of a range with two ends a planner that has no statistics yet, which
-- a job's first minute is, thinks that it holds few rows, and sorts all of them.
SELECT row, key, outcome, code, message, result, tries, duration_ms, finished_at, outcomes.epoch,
       outcomes.generation
FROM onward.outcomes
WHERE outcomes.job = (SELECT id FROM onward.jobs WHERE uuid = $1) AND row > $2
  AND ($3::integer IS NULL OR row <= $3)
  AND ($4::smallint IS NULL OR outcome = $4)
  AND ($5::text IS NULL OR coalesce(code, 'added') = $5)
  AND ($6::text IS NULL
       OR strpos(CASE WHEN octet_length($6) = length($6) THEN lower(coalesce(key, '') COLLATE "C")
                      ELSE lower(coalesce(key, '')) END, $6) > 0
       OR CASE WHEN message IS NULL THEN strpos('added', $6) > 0
               WHEN octet_length($6) = length($6) THEN strpos(lower(message COLLATE "C"), $6) > 0
               ELSE strpos(lower(message), $6) > 0 END)
ORDER BY row LIMIT $7
