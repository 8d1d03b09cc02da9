//! Opening: the schema, who may see it, and what is said when it cannot be used.

use std::fs;
use std::sync::Arc;

use onward_core::row::Outcome;
use onward_core::store::Store;
use onward_testkit::PgBouncer;

use crate::conformance::build::{Hand, assert_sums, at, job, look};
use crate::open::{Mode, OpenError, connect};
use crate::postgres::tests::{fresh_schema, server, subject, within};
use crate::postgres::{self, PostgresStore, failure, sql};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_statement_fits_the_schema() {
    let Some(server) = server() else { return };
    let schema = fresh_schema();
    PostgresStore::open(&within(&server.url(), &schema)).await.unwrap();
    let (client, connection) = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    for (name, statement) in sql::ALL {
        let prepared = client.prepare(&sql::within(statement, &schema)).await;
        prepared.unwrap_or_else(|error| panic!("{name}.sql: {}", failure::words(&error)));
    }
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sql/postgres")).unwrap();
    let files = files.filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().ends_with(".sql"));
    assert_eq!(files.count(), sql::ALL.len(), "a statement has a file and a name");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_processes_that_start_at_once_make_one_schema() {
    let Some(server) = server() else { return };
    let url = server.url();
    let opened: Vec<_> = (0..8).map(|_| tokio::spawn(PostgresStore::open_owned(url.clone()))).collect();
    for store in opened {
        store.await.unwrap().unwrap();
    }
    let found = "SELECT string_agg(DISTINCT table_schema, ' ') FROM information_schema.tables \
                 WHERE table_schema NOT IN ('pg_catalog', 'information_schema')";
    assert_eq!(server.sql(found).unwrap(), "onward", "nothing is in public");
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sql/postgres/migrations");
    let known = std::fs::read_dir(files)
        .unwrap()
        .filter(|file| file.as_ref().unwrap().file_name().as_encoded_bytes()[0].is_ascii_digit());
    let applied = server.sql("SELECT count(*) FROM onward.migrations").unwrap();
    assert_eq!(applied, known.count().to_string(), "each was applied once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_pooler_is_found_out_and_changes_no_schema() {
    let Some(server) = server() else { return };
    let pooler = PgBouncer::start(&server, 4).unwrap();
    let refused = PostgresStore::open(&pooler.url()).await.unwrap_err();
    assert!(matches!(refused, postgres::OpenError::TransactionPooler { .. }), "{refused}");
    assert!(refused.to_string().contains("session pooler"), "{refused}");
    assert_eq!(server.sql("SELECT to_regnamespace('onward') IS NULL").unwrap(), "t", "nothing was made");
    PostgresStore::open(&server.url()).await.unwrap();
    let store = PostgresStore::open(&pooler.url()).await.unwrap();
    assert_eq!(store.ping().await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_roles_of_a_browser_see_nothing() {
    let Some(server) = server() else { return };
    server.sql("CREATE ROLE anon; CREATE ROLE authenticated").unwrap();
    server.sql("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO anon, authenticated").unwrap();
    PostgresStore::open(&server.url()).await.unwrap();
    let open = "SELECT string_agg(relname, ' ') FROM pg_class \
                WHERE relnamespace = 'onward'::regnamespace AND relkind = 'r' AND NOT relrowsecurity";
    assert_eq!(server.sql(open).unwrap(), "", "tables without row-level security");
    for role in ["anon", "authenticated"] {
        for view in ["jobs", "creators", "job_progress", "rows", "failed_rows", "workers"] {
            let asked = server.sql(&format!("SET ROLE {role}; SELECT * FROM onward.{view}"));
            assert!(asked.unwrap_err().to_string().contains("permission denied"), "{role} sees {view}");
        }
        let granted = format!(
            "SELECT count(*) FROM information_schema.role_table_grants \
             WHERE grantee = '{role}' AND table_schema = 'onward'"
        );
        assert_eq!(server.sql(&granted).unwrap(), "0");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_in_the_way_is_said_and_nothing_is_changed() {
    let Some(server) = server() else { return };
    PostgresStore::open(&server.url()).await.unwrap();
    let refusal = async |url: &str| match connect(url, Mode::Join).await {
        Ok(_) => panic!("it was opened"),
        Err(OpenError::Postgres(error)) => error,
        Err(other) => panic!("{other}"),
    };
    server.sql("INSERT INTO onward.migrations VALUES (99, '0099_later', '')").unwrap();
    let newer = refusal(&server.url()).await;
    assert!(matches!(newer, postgres::OpenError::Newer { found: 14, known: 13, .. }), "{newer}");
    server
        .sql("DELETE FROM onward.migrations WHERE no = 99; UPDATE onward.migrations SET sha256 = 'x'")
        .unwrap();
    let different = refusal(&server.url()).await;
    assert!(matches!(different, postgres::OpenError::Different { .. }), "{different}");

    let nobody = server.url().replace("postgres@", "nobody:secret@");
    let login = refusal(&nobody).await;
    assert!(matches!(login, postgres::OpenError::Login { .. }), "{login}");
    server.sql("CREATE ROLE guest LOGIN; REVOKE CREATE ON DATABASE postgres FROM PUBLIC").unwrap();
    let guest = refusal(&format!("{}?schema=mine", server.url().replace("postgres@", "guest@"))).await;
    assert!(matches!(guest, postgres::OpenError::NotAllowed { .. }), "{guest}");
    let away = refusal("postgres://anna:secret@127.0.0.1:1/x").await;
    assert!(matches!(away, postgres::OpenError::Unreachable { .. }), "{away}");
    let plain = refusal(&format!("{}?sslmode=verify-full", server.url())).await;
    assert!(plain.to_string().contains("TLS"), "{plain}");
    for error in [login, guest, away, plain] {
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_and_failed_rows_are_there_in_plain_sql() {
    let Some(server) = server() else { return };
    let subject = subject(server.clone(), server.url()).await;
    let id = job(&subject.store, 313).await;
    let mut hand = Hand::take(&subject.store, id, "w", at(1)).await;
    hand.finish(0..89, Outcome::Added, at(2)).await.unwrap();
    hand.finish(89..100, Outcome::Failed, at(2)).await.unwrap();
    let schema = server.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'case_%'").unwrap();
    let progress = format!(
        "SELECT status, processed_items, total_items, added, failed, skipped, filtered FROM {schema}.job_progress"
    );
    assert_eq!(server.sql(&progress).unwrap(), "running|100|313|89|11|0|0");
    let failed = format!(
        "SELECT row, key, code, message FROM {schema}.failed_rows WHERE job_id = '{id}' ORDER BY row LIMIT 1"
    );
    assert_eq!(server.sql(&failed).unwrap(), "90|creator89|not-found|there is no such creator");
}

/// A schema of the version before, with a job half done in it, as a newer program finds it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_the_version_before_keeps_its_counters() {
    let Some(server) = server() else { return };
    let store: Arc<dyn Store> = Arc::new(PostgresStore::open(&server.url()).await.unwrap());
    let id = job(&store, 250).await;
    let (mut first, mut second) =
        (Hand::take(&store, id, "v", at(1)).await, Hand::take(&store, id, "w", at(1)).await);
    first.finish(0..100, Outcome::Added, at(2)).await.unwrap();
    second.finish(100..130, Outcome::Failed, at(3)).await.unwrap();
    let before = look(&store, id).await;
    assert_eq!((before.tally.added, before.tally.failed), (100, 30));
    let back = "DROP TABLE onward.span_sums CASCADE; DROP FUNCTION onward.sum_spans, onward.sum_span CASCADE; \
                DROP FUNCTION onward.sum_changed_spans CASCADE; DROP FUNCTION onward.claim_span, onward.glance, \
                onward.leases, onward.jobs_to_end, onward.has_open_span, onward.presence, onward.chunk, \
                onward.jobs_page; \
                DELETE FROM onward.migrations WHERE no > 10";
    server.sql(back).unwrap();
    let store: Arc<dyn Store> = Arc::new(PostgresStore::open(&server.url()).await.unwrap());
    let after = look(&store, id).await;
    assert_eq!((after.tally, after.checkpoint), (before.tally, before.checkpoint));
    second.release().await.unwrap();
    assert_sums(&store, id).await;
}
