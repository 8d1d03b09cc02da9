-- Milliseconds since 1970 by the clock that everybody shares.
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint
