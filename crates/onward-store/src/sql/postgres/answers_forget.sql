-- Keys older than a day.
DELETE FROM onward.answers WHERE reserved_at < $1
