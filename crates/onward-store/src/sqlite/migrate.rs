//! Brings a database to the schema of this program: numbered files, each applied once.
//!
//! A migration that was applied never changes; its digest is kept, and a file that differs from what
//! was applied is refused. All pending ones run in one transaction: a crash leaves the old schema or
//! the new one. A database with a newer schema than this program knows is left alone.

use onward_core::hex::hex;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use super::connect;

/// All migrations, in order. Their number is the schema's version.
const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_ledger", include_str!("../sql/sqlite/migrations/0001_ledger.sql")),
    ("0002_fleet", include_str!("../sql/sqlite/migrations/0002_fleet.sql")),
    ("0003_doubts", include_str!("../sql/sqlite/migrations/0003_doubts.sql")),
    ("0004_attach", include_str!("../sql/sqlite/migrations/0004_attach.sql")),
    ("0005_hooks", include_str!("../sql/sqlite/migrations/0005_hooks.sql")),
    ("0006_heard", include_str!("../sql/sqlite/migrations/0006_heard.sql")),
    ("0007_rests", include_str!("../sql/sqlite/migrations/0007_rests.sql")),
];

/// Marks the file as ours (`PRAGMA application_id`): "ONWD".
const APPLICATION_ID: i64 = 0x4f4e_5744;

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations (
    no INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL) STRICT";

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum MigrateError {
    /// It is a database of some other program.
    #[error("is a SQLite database of another program")]
    Foreign,
    /// A newer Onward has been here.
    #[error("has schema version {found}; this program knows {known}: use a newer onward")]
    Newer {
        /// The version in the file.
        found: usize,
        /// The newest version this program has.
        known: usize,
    },
    /// What was applied is not what this program has under that number.
    #[error("was made by another build: migration {0} differs from the one applied")]
    Different(String),
    /// SQLite says no.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
}

/// Applies what is missing. Answers how many migrations were applied.
pub(super) fn migrate(db: &Connection) -> Result<usize, MigrateError> {
    let applied = inspect(db)?;
    if applied == MIGRATIONS.len() {
        return Ok(0);
    }
    let pending = connect::immediate(db)?;
    // Another process may have done it while we waited for the lock.
    let applied = inspect(db)?;
    db.execute_batch(CREATE_TABLE)?;
    for (no, (name, sql)) in MIGRATIONS.iter().enumerate().skip(applied) {
        db.execute_batch(sql)?;
        let insert = "INSERT INTO migrations (no, name, sha256) VALUES (?1, ?2, ?3)";
        db.execute(insert, params![i64::try_from(no + 1).unwrap_or(i64::MAX), name, digest(sql)])?;
        tracing::info!(migration = name, "the schema of the ledger was brought forward");
    }
    db.pragma_update(None, "application_id", APPLICATION_ID)?;
    pending.commit()?;
    Ok(MIGRATIONS.len() - applied)
}

/// How many migrations the database has, if it is one we may touch.
pub(super) fn inspect(db: &Connection) -> Result<usize, MigrateError> {
    let tables: i64 =
        db.query_row("SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'", [], |row| {
            row.get(0)
        })?;
    if tables == 0 {
        return Ok(0);
    }
    let mark: i64 = db.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if mark != APPLICATION_ID {
        return Err(MigrateError::Foreign);
    }
    let mut statement = db.prepare("SELECT name, sha256 FROM migrations ORDER BY no")?;
    let applied: Vec<(String, String)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    if applied.len() > MIGRATIONS.len() {
        return Err(MigrateError::Newer { found: applied.len(), known: MIGRATIONS.len() });
    }
    for ((name, sha256), (_, sql)) in applied.iter().zip(MIGRATIONS) {
        if *sha256 != digest(sql) {
            return Err(MigrateError::Different(name.clone()));
        }
    }
    Ok(applied.len())
}

fn digest(sql: &str) -> String {
    hex(&Sha256::digest(sql.as_bytes()))
}
