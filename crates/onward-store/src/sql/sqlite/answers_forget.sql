-- Keys older than a day.
DELETE FROM answers WHERE reserved_at < ?1
