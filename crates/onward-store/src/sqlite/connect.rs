//! Connections: how the database file is opened, for writing and for reading.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

/// How long a connection waits for a lock: another process may be inside a long transaction or a
/// checkpoint. Longer than any group takes on a slow disk.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it rests between two tries where SQLite itself does not wait.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// Page cache of the writer, in KiB: the upper levels of a million creators' key index, and a third
/// of the memory a process may use.
const WRITER_CACHE_KIB: i64 = 48 * 1024;

/// Page cache of one reader, in KiB.
const READER_CACHE_KIB: i64 = 2 * 1024;

/// Pages in the write-ahead log before they are moved into the database (32 MB): pages that change
/// often are then written once instead of a hundred times.
const CHECKPOINT_PAGES: i64 = 8_000;

/// The log file is cut back to this size, in bytes, when it is begun anew.
const LOG_BYTES: i64 = 64 * 1024 * 1024;

/// Statements kept prepared on a connection: all there are.
const STATEMENTS: usize = 128;

/// Opens for writing; the file must be there.
pub(super) fn writer(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    // A plan may not depend on the values that are bound: SQLite would otherwise prepare a cached statement
    // anew each time it is used, which costs more than most of them take to run.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(db)
}

/// Makes every commit survive a power cut, and keeps memory and log within bounds.
pub(super) fn make_durable(db: &Connection, durability: Durability) -> rusqlite::Result<()> {
    in_spite_of_others(|| db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())))?;
    db.pragma_update(None, "synchronous", durability.word())?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))?;
    db.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES, |_| Ok(()))
}

/// Waits for other programs that open the same new database. Each would need it alone to change its mode, and
/// SQLite refuses that at once instead of letting them wait for each other.
fn in_spite_of_others<T>(mut step: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let mut waited = Duration::ZERO;
    loop {
        match step() {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && waited < BUSY_TIMEOUT =>
            {
                std::thread::sleep(BUSY_PAUSE);
                waited += BUSY_PAUSE;
            }
            done => return done,
        }
    }
}

/// Opens for reading. The flags let it write, because a reader of a database in WAL mode must be able
/// to take part in its locks and recovery; `query_only` keeps it from changing anything.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let db = writer(path)?;
    db.pragma_update(None, "query_only", true)?;
    db.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(db)
}

/// How hard a commit is pressed onto the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Durability {
    /// Synced before it is answered: survives a power cut.
    #[default]
    Full,
    /// Planted bug: synced some time later.
    #[cfg(test)]
    Relaxed,
}

impl Durability {
    fn word(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            #[cfg(test)]
            Self::Relaxed => "NORMAL",
        }
    }
}

/// A transaction that has the write lock from its first moment.
pub(super) fn immediate(db: &Connection) -> rusqlite::Result<rusqlite::Transaction<'_>> {
    rusqlite::Transaction::new_unchecked(db, rusqlite::TransactionBehavior::Immediate)
}
