//! Brings a schema to what this program knows: numbered files, each applied once.
//!
//! A migration that was applied never changes; its digest is kept, and a file that differs from what
//! was applied is refused. All pending ones run in one transaction under a lock of the database: of
//! several processes that start at once one migrates and the others find it done. A schema that a newer
//! program has changed is left alone.

use onward_core::hex::hex;
use sha2::{Digest, Sha256};

use super::OpenError;
use super::failure::{Answer, Fail};
use super::session::Session;
use super::values::{get, params};

/// All migrations, in order. Their number is the schema's version.
const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_ledger", include_str!("../sql/postgres/migrations/0001_ledger.sql")),
    ("0002_doubts", include_str!("../sql/postgres/migrations/0002_doubts.sql")),
    ("0003_attach", include_str!("../sql/postgres/migrations/0003_attach.sql")),
    ("0004_hooks", include_str!("../sql/postgres/migrations/0004_hooks.sql")),
    ("0005_heard", include_str!("../sql/postgres/migrations/0005_heard.sql")),
    ("0006_rests", include_str!("../sql/postgres/migrations/0006_rests.sql")),
    ("0007_commit", include_str!("../sql/postgres/migrations/0007_commit.sql")),
    ("0008_job_facts", include_str!("../sql/postgres/migrations/0008_job_facts.sql")),
    ("0009_span_is_sound", include_str!("../sql/postgres/migrations/0009_span_is_sound.sql")),
    ("0010_commit_rows", COMMIT),
    ("0011_span_sums", SUMS),
    ("0012_looks", LOOKS),
    ("0013_jobs_page", JOBS_PAGE),
];

/// Makes the function that commits.
pub(super) const COMMIT: &str = include_str!("../sql/postgres/migrations/0010_commit_rows.sql");

/// Keeps the sums of spans, and makes the function that reads them.
pub(super) const SUMS: &str = include_str!("../sql/postgres/migrations/0011_span_sums.sql");

/// Makes the functions that claim, and that workers look with.
pub(super) const LOOKS: &str = include_str!("../sql/postgres/migrations/0012_looks.sql");

/// Makes the function that reads jobs.
pub(super) const JOBS_PAGE: &str = include_str!("../sql/postgres/migrations/0013_jobs_page.sql");

/// Run after every migration: who may see the tables.
const CLOSE: &str = include_str!("../sql/postgres/migrations/close.sql");

/// Marks our locks: "ONWD".
const LOCK: &str = "SELECT pg_advisory_xact_lock(1330534212, hashtext('onward.migrations'))";

/// Asked of the catalogue's tables: what a session remembers of names may be older than the lock.
const THERE: &str = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_tables
    WHERE schemaname = $1 AND tablename = 'migrations')";

const APPLIED: &str = "SELECT name, sha256 FROM onward.migrations ORDER BY no";

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS onward.migrations (
    no integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL)";

const INSERT: &str = "INSERT INTO onward.migrations (no, name, sha256) VALUES ($1, $2, $3)";

/// How the schema stands to this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing is to be done.
    Current,
    /// Migrations are to be applied.
    Behind,
}

/// Looks, and changes nothing.
pub(super) async fn inspect(db: &Session, schema: &str) -> Result<Standing, MigrateError> {
    let applied = applied(db, schema).await?;
    Ok(if applied == MIGRATIONS.len() { Standing::Current } else { Standing::Behind })
}

/// Applies what is missing, in one transaction.
pub(super) async fn migrate(db: &Session, schema: &str) -> Result<(), MigrateError> {
    db.begin().await?;
    match bring_forward(db, schema).await {
        Ok(()) => Ok(db.commit().await?),
        Err(error) => {
            db.roll_back().await?;
            Err(error)
        }
    }
}

async fn bring_forward(db: &Session, schema: &str) -> Result<(), MigrateError> {
    db.rows(LOCK, &[]).await?;
    // Another process may have done it while we waited for the lock.
    let applied = applied(db, schema).await?;
    if applied == MIGRATIONS.len() {
        return Ok(());
    }
    db.batch(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")).await?;
    db.batch(CREATE_TABLE).await?;
    for (no, (name, sql)) in MIGRATIONS.iter().enumerate().skip(applied) {
        db.batch(sql).await?;
        let number = i32::try_from(no + 1).unwrap_or(i32::MAX);
        db.execute(INSERT, params![number, *name, digest(sql)]).await?;
        tracing::info!(migration = name, schema, "the schema of the ledger was brought forward");
    }
    Ok(db.batch(CLOSE).await?)
}

/// How many migrations the schema has, if it is one we may touch.
async fn applied(db: &Session, schema: &str) -> Result<usize, MigrateError> {
    if !get::<bool>(&db.one(THERE, params![schema]).await?, 0)? {
        return Ok(0);
    }
    let rows = db.rows(APPLIED, &[]).await?;
    if rows.len() > MIGRATIONS.len() {
        let (schema, found, known) = (schema.to_owned(), rows.len(), MIGRATIONS.len());
        return Err(OpenError::Newer { schema, found, known }.into());
    }
    for (row, (_, sql)) in rows.iter().zip(MIGRATIONS) {
        if get::<&str>(row, 1)? != digest(sql) {
            let (schema, migration) = (schema.to_owned(), get(row, 0)?);
            return Err(OpenError::Different { schema, migration }.into());
        }
    }
    Ok(rows.len())
}

/// Why a schema cannot be used.
#[derive(Debug)]
pub(super) enum MigrateError {
    /// It is not one of ours.
    Open(OpenError),
    /// The database says no.
    Failed(Fail),
}

impl From<OpenError> for MigrateError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<Fail> for MigrateError {
    fn from(fail: Fail) -> Self {
        Self::Failed(fail)
    }
}

fn digest(sql: &str) -> String {
    hex(&Sha256::digest(sql.as_bytes()))
}

/// Whether two connections share what each believes to be its own session: so it is behind a pooler
/// that gives a server connection for one transaction only. The second takes, inside a transaction, the
/// server connection that the first one used last; a direct connection never does.
pub(super) async fn is_shared(first: &Session, second: &Session) -> Answer<bool> {
    const PID: &str = "SELECT pg_backend_pid()";
    let before: i32 = get(&first.one(PID, &[]).await?, 0)?;
    second.begin_snapshot().await?;
    let taken: i32 = get(&second.one(PID, &[]).await?, 0)?;
    let after: i32 = get(&first.one(PID, &[]).await?, 0)?;
    second.roll_back().await?;
    Ok(before == taken || before != after)
}
