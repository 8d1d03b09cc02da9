-- After every migration: closed to the roles that Supabase gives to browsers, and views that look with
-- the rights of who asks. The owner of the tables is not held up by row-level security.
DO $close$
DECLARE
    space text := (SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                   WHERE pg_class.oid = 'onward.jobs'::regclass);
    name text;
    role text;
    closed boolean := false;
BEGIN
    FOREACH role IN ARRAY ARRAY['anon', 'authenticated'] LOOP
        IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role) THEN
            closed := true;
            EXECUTE format('REVOKE ALL ON SCHEMA %I FROM %I', space, role);
            EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', space, role);
            EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA %I FROM %I', space, role);
            EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I REVOKE ALL ON TABLES FROM %I', space, role);
        END IF;
    END LOOP;
    IF space <> 'public' THEN
        EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', space);
    END IF;
    IF closed THEN
        FOR name IN SELECT relname FROM pg_class WHERE relnamespace = space::regnamespace AND relkind = 'r'
            AND relname IN ('inputs', 'chunks', 'duplicates', 'jobs', 'deleted_jobs', 'spans', 'outcomes',
                            'history', 'creators', 'events', 'answers', 'meta', 'workers', 'turns',
                            'doubts', 'moves', 'deliveries', 'heard', 'span_sums', 'migrations') LOOP
            EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', space, name);
        END LOOP;
    END IF;
    IF current_setting('server_version_num')::integer >= 150000 THEN
        FOREACH name IN ARRAY ARRAY['job_progress', 'rows', 'failed_rows', 'rows_in_doubt'] LOOP
            EXECUTE format('ALTER VIEW %I.%I SET (security_invoker = true)', space, name);
        END LOOP;
    END IF;
END
$close$;
