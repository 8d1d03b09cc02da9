//! What is SQLite's own: opening, refusing, the plain-SQL views, the group commit.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use onward_core::row::Outcome;
use onward_core::state::{JobState, Step};
use onward_core::store::{JobQuery, Store, StoreError};
use rusqlite::{Connection, StatementStatus};

use super::SqliteStore;
use crate::conformance::build::{self, Hand, T0, at};
use crate::open::{Mode, OpenError, open};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn address(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

fn refusal(path: &Path) -> OpenError {
    match open(&address(path), Mode::Serve) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.ends_with(".lock"));
    names.sort();
    names
}

#[test]
fn the_library_has_no_wal_reset_bug() {
    assert!(rusqlite::version_number() >= 3_051_003, "SQLite {}", rusqlite::version());
}

#[test]
fn every_statement_fits_the_schema() {
    let folder = folder();
    let path = folder.path().join("onward.db");
    drop(SqliteStore::open(&path, Mode::Serve).unwrap());
    let db = Connection::open(&path).unwrap();
    for (name, sql) in super::sql::ALL {
        db.prepare(sql).unwrap_or_else(|error| panic!("{name}.sql: {error}"));
    }
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sql/sqlite")).unwrap();
    let files = files.filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().ends_with(".sql"));
    assert_eq!(files.count(), super::sql::ALL.len(), "a statement has a file and a name");
}

/// SQLite would plan a statement anew each time a value is bound on which its plan may depend. That cost a
/// fifth of the writing thread's time once, and most of what a page with many jobs took.
#[test]
fn no_statement_is_planned_twice() {
    let folder = folder();
    let path = folder.path().join("onward.db");
    drop(SqliteStore::open(&path, Mode::Serve).unwrap());
    let db = super::connect::writer(&path).unwrap();
    for (name, sql) in super::sql::ALL {
        let mut statement = db.prepare(sql).unwrap();
        for value in 1..=3 {
            for place in 1..=statement.parameter_count() {
                statement.raw_bind_parameter(place, value).unwrap();
            }
            // What it answers does not matter; that it runs does.
            let _ran = statement.raw_query().next();
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{name}");
    }
}

#[test]
fn the_schema_names_every_state_of_the_table_and_no_other() {
    let schema = include_str!("../sql/sqlite/migrations/0001_ledger.sql");
    let words: Vec<String> = JobState::ALL.iter().map(|state| format!("'{state}'")).collect();
    assert!(schema.contains(&format!("CHECK (state IN ({}))", words.join(", "))));
}

#[test]
fn pages_are_found_by_index_and_never_count_the_ledger() {
    let folder = folder();
    let path = folder.path().join("onward.db");
    drop(SqliteStore::open(&path, Mode::Serve).unwrap());
    let db = Connection::open(&path).unwrap();
    let only_verify = ["outcome_counts", "outcome_outside", "creators_without_outcome"];
    for (name, sql) in super::sql::ALL.iter().filter(|(name, _)| !only_verify.contains(name)) {
        let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let parameters = plan.parameter_count();
        let nothing = rusqlite::params_from_iter(vec![rusqlite::types::Null; parameters]);
        let steps = plan.query_map(nothing, |row| row.get::<_, String>(3)).unwrap();
        for step in steps.map(Result::unwrap) {
            assert!(!step.starts_with("SCAN outcomes") && !step.starts_with("SCAN spans"), "{name}: {step}");
            if name.starts_with("job_list") {
                assert!(!step.starts_with("SCAN") && !step.contains("TEMP B-TREE"), "{name}: {step}");
            }
        }
    }
}

#[test]
fn a_missing_folder_and_file_are_made_for_the_owner_alone() {
    let folder = folder();
    let path = folder.path().join("new/data/onward.db");
    drop(SqliteStore::open(&path, Mode::Serve).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_second_server_is_refused_and_told_who_has_the_store() {
    let folder = folder();
    let path = folder.path().join("onward.db");
    let first = SqliteStore::open(&path, Mode::Serve).unwrap();
    let error = refusal(&path).to_string();
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    assert!(error.contains("since 20"), "{error}");
    SqliteStore::open(&path, Mode::Join).expect("a worker may join");
    drop(first);
    SqliteStore::open(&path, Mode::Serve).expect("the lock goes with its holder");
}

#[test]
fn what_is_no_ledger_is_refused_and_left_as_it_is() {
    let folder = folder();
    let path = folder.path().join("onward.db");
    let texts: [&[u8]; 3] = [b"handle,followers\nanna,12\n", b"short", &[0; 8192]];
    for text in texts {
        fs::write(&path, text).unwrap();
        assert!(matches!(refusal(&path), OpenError::NotADatabase(_)));
        assert_eq!(fs::read(&path).unwrap(), text);
        assert_eq!(names(folder.path()), ["onward.db"]);
    }
    assert!(matches!(refusal(folder.path()), OpenError::NotADatabase(_)));
}

#[test]
fn the_database_of_another_program_is_refused_and_left_as_it_is() {
    let folder = folder();
    let path = folder.path().join("onward.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(refusal(&path), OpenError::Foreign(_)));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_newer_schema_is_refused_with_both_versions() {
    let folder = folder();
    let path = folder.path().join("onward.db");
    drop(SqliteStore::open(&path, Mode::Serve).unwrap());
    let newer = "INSERT INTO migrations (no, name, sha256) VALUES (8, '0008_later', 'x')";
    Connection::open(&path).unwrap().execute_batch(newer).unwrap();
    assert!(matches!(refusal(&path), OpenError::Newer { found: 8, known: 7, .. }));
}

#[test]
fn a_migration_that_differs_from_the_one_applied_is_refused() {
    let folder = folder();
    let path = folder.path().join("onward.db");
    drop(SqliteStore::open(&path, Mode::Serve).unwrap());
    Connection::open(&path).unwrap().execute_batch("UPDATE migrations SET sha256 = 'x'").unwrap();
    assert!(matches!(refusal(&path), OpenError::Different { .. }));
}

#[test]
fn a_damaged_file_is_refused_and_nothing_is_made_beside_it() {
    let folder = folder();
    let path = folder.path().join("onward.db");
    drop(SqliteStore::open(&path, Mode::Serve).unwrap());
    let mut bytes = fs::read(&path).unwrap();
    bytes[100..4096].fill(0xff);
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(refusal(&path), OpenError::Damaged { .. } | OpenError::NotADatabase(_)));
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_log_without_its_database_is_refused_instead_of_making_an_empty_one() {
    let folder = folder();
    let path = folder.path().join("onward.db");
    fs::write(folder.path().join("onward.db-wal"), [7; 5000]).unwrap();
    assert!(matches!(refusal(&path), OpenError::Lost { .. }));
    assert_eq!(names(folder.path()), ["onward.db-wal"]);
}

#[test]
fn addresses_of_other_stores_are_refused_without_showing_a_password() {
    let error = open("mysql://anna:secret@db/x", Mode::Serve).err().unwrap().to_string();
    assert!(error.contains("sqlite:PATH") && !error.contains("secret"), "{error}");
    assert!(matches!(open("sqlite:", Mode::Serve), Err(OpenError::Address(_))));
    assert_eq!(open("memory:", Mode::Serve).unwrap().kind(), "memory");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_and_failed_rows_are_there_for_plain_sql() {
    let folder = folder();
    let path = folder.path().join("onward.db");
    let store = open(&address(&path), Mode::Serve).unwrap();
    let job = build::job(&store, 313).await;
    let mut hand = Hand::take(&store, job, "w", T0).await;
    hand.finish(0..20, Outcome::Added, at(1)).await.unwrap();
    hand.finish([20, 22], Outcome::Failed, at(1)).await.unwrap();

    let db = Connection::open(&path).unwrap();
    let progress =
        "SELECT status, total_items, processed_items, added, failed FROM job_progress WHERE job_id = ?1";
    let found: (String, i64, i64, i64, i64) = db
        .query_row(progress, [job.to_string()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .unwrap();
    assert_eq!(found, (String::from("running"), 313, 22, 20, 2));
    let mut failed = db.prepare("SELECT row, key, outcome, code, finished_at FROM failed_rows").unwrap();
    let failed: Vec<(i64, String, String, String, String)> = failed
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(failed.iter().map(|row| row.0).collect::<Vec<_>>(), [21, 23], "rows count from 1");
    let (key, outcome) = (String::from("creator20"), String::from("failed"));
    assert_eq!(
        failed[0],
        (21, key, outcome, String::from("not-found"), String::from("2027-01-15T08:00:01.000Z"))
    );
    let plain: i64 =
        db.query_row("SELECT count(*) FROM rows WHERE code = 'added'", [], |row| row.get(0)).unwrap();
    assert_eq!(plain, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_is_fenced_by_the_same_epoch_and_seen_at_once() {
    let folder = folder();
    let path = folder.path().join("onward.db");
    let server = open(&address(&path), Mode::Serve).unwrap();
    let worker = open(&address(&path), Mode::Join).unwrap();
    let job = build::job(&server, 200).await;
    let mut hand = Hand::take(&worker, job, "far", T0).await;
    let before = server.version().await.unwrap();
    hand.finish([0, 1], Outcome::Added, at(1)).await.unwrap();
    assert_ne!(server.version().await.unwrap(), before, "the commit of another process is a change");
    assert_eq!(build::look(&server, job).await.tally.added, 2);
    server.command(&build::command(job, Step::Restart, at(2))).await.unwrap();
    let late = hand.finish([2], Outcome::Added, at(3)).await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })), "{late:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_operations_in_one_group_only_the_broken_one_fails() {
    let folder = folder();
    let path = folder.path().join("onward.db");
    let store = Arc::new(SqliteStore::open(&path, Mode::Serve).unwrap());
    let writes = (0..64_u32).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let write = move |db: &Connection| {
                db.execute("INSERT INTO meta (key, value) VALUES (?1, 'x')", [format!("key {number}")])?;
                if number % 16 == 3 {
                    // Written already, and only now found to be wrong.
                    db.execute("INSERT INTO meta (key, value) VALUES (?1, NULL)", ["broken"])?;
                }
                if number % 16 == 5 {
                    return Err(StoreError::InputGone.into());
                }
                Ok(number)
            };
            store.writer.write(write).await
        })
    });
    for (number, answer) in writes.collect::<Vec<_>>().into_iter().enumerate() {
        match (number % 16, answer.await.unwrap()) {
            (3, Err(StoreError::Corrupt(_))) | (5, Err(StoreError::InputGone)) => {}
            (3 | 5, other) => panic!("{number} answered {other:?}"),
            (_, answer) => assert_eq!(answer, Ok(number as u32)),
        }
    }
    let db = Connection::open(&path).unwrap();
    let there: i64 = db.query_row("SELECT count(*) FROM meta", [], |row| row.get(0)).unwrap();
    assert_eq!(there, 56, "what was refused or broke has left nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_said_and_the_same_store_goes_on_when_there_is_room() {
    let folder = folder();
    let path = folder.path().join("onward.db");
    let sqlite = Arc::new(SqliteStore::open(&path, Mode::Serve).unwrap());
    let store: Arc<dyn Store> = sqlite.clone();
    let job = build::job(&store, 100).await;
    let mut hand = Hand::take(&store, job, "w", T0).await;
    // SQLite answers SQLITE_FULL just the same when it may not use more pages.
    let limit = |pages: &'static str| {
        let limit = move |db: &Connection| {
            let now: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            let pages = if pages == "now" { now } else { 1_000_000 };
            Ok(db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?)
        };
        sqlite.writer.write(limit)
    };
    limit("now").await.unwrap();
    let long = "x".repeat(20_000);
    let rows = || (0..50).map(|row| build::adding(row, &format!("{row} {long}"))).collect::<Vec<_>>();
    assert_eq!(hand.clone().write(rows(), at(1)).await, Err(StoreError::DiskFull));
    assert_eq!(build::look(&store, job).await.tally.processed(), 0);
    build::assert_sums(&store, job).await;
    limit("more").await.unwrap();
    assert_eq!(hand.write(rows(), at(2)).await.unwrap().inserted, 50);
    build::assert_sums(&store, job).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_is_found_whatever_the_case_beyond_ascii() {
    let store = open("memory:", Mode::Serve).unwrap();
    let folder = folder();
    let sqlite = open(&address(&folder.path().join("onward.db")), Mode::Serve).unwrap();
    for store in [store, sqlite] {
        let job = build::job(&store, 1).await;
        store.tune(job, Some("Ångström LISTE"), None, "you", T0).await.unwrap();
        let query = JobQuery { text: Some(String::from("ÅNGSTRÖM")), limit: 10, ..JobQuery::default() };
        assert_eq!(store.jobs(&query).await.unwrap().len(), 1, "{}", store.kind());
    }
}

/// A `run` and a `show` in two windows, on a store that is not there yet: a `run` once found the database
/// locked and gave up.
#[test]
fn programs_that_open_a_new_store_at_once_wait_for_each_other() {
    for round in 0..25 {
        let folder = folder();
        let path = folder.path().join("onward.db");
        let start = std::sync::Barrier::new(6);
        std::thread::scope(|scope| {
            let open = || {
                start.wait();
                SqliteStore::open(&path, Mode::Join).map(drop)
            };
            let opened: Vec<_> = (0..6).map(|_| scope.spawn(open)).collect();
            for opened in opened {
                opened.join().unwrap().unwrap_or_else(|error| panic!("round {round}: {error}"));
            }
        });
    }
}
