-- What the parts take on the disk with their indexes, in bytes.
SELECT (pg_total_relation_size('onward.outcomes') + pg_total_relation_size('onward.history'))::bigint,
       (pg_total_relation_size('onward.inputs') + pg_total_relation_size('onward.chunks')
        + pg_total_relation_size('onward.duplicates'))::bigint,
       pg_total_relation_size('onward.creators')::bigint,
       pg_database_size(current_database())::bigint
