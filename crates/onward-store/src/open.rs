//! Opening a store by its address.

use std::path::PathBuf;
use std::sync::Arc;

use onward_core::store::Store;

use crate::memory::MemoryStore;
use crate::postgres::{self, PostgresStore};
use crate::sqlite::SqliteStore;

/// As what the caller comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The one server of the store: takes the lock, and a second one is refused.
    Serve,
    /// Another process on the same machine, such as a worker, beside the server or without one.
    Join,
}

/// Opens any store: `postgres://…`, which any number of processes share whatever their mode, or what
/// [`open`] opens.
///
/// # Errors
///
/// See [`OpenError`].
pub async fn connect(url: &str, mode: Mode) -> Result<Arc<dyn Store>, OpenError> {
    if is_shared(url) {
        return Ok(Arc::new(PostgresStore::open(url).await?));
    }
    let url = url.to_owned();
    let opened = tokio::task::spawn_blocking(move || open(&url, mode)).await;
    opened.map_err(|error| OpenError::Io { path: PathBuf::new(), error: std::io::Error::other(error) })?
}

/// Whether an address leads to a store that several machines may share: nobody owns it, and nobody can
/// know to be alone with it.
#[must_use]
pub fn is_shared(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Opens a store of this machine: `sqlite:PATH` or `memory:`.
///
/// A missing file and its folder are made; anything that lies there and is not a ledger this program
/// can use is refused and left as it is.
///
/// # Errors
///
/// See [`OpenError`]; nothing was created or changed when the file was refused.
pub fn open(url: &str, mode: Mode) -> Result<Arc<dyn Store>, OpenError> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Arc::new(MemoryStore::new())),
        Some(("sqlite", path)) if !path.is_empty() => Ok(Arc::new(SqliteStore::open(path.as_ref(), mode)?)),
        _ => Err(OpenError::Address(shown(url))),
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address names no store there is.
    #[error(
        "store {0} is not one this program knows; write sqlite:PATH, such as sqlite:/var/lib/onward/onward.db, \
         or postgres://USER:PASSWORD@HOST/DATABASE"
    )]
    Address(String),
    /// A Postgres store.
    #[error(transparent)]
    Postgres(#[from] postgres::OpenError),
    /// Another server has the file.
    #[error("{path} is in use by {holder}; stop it, or talk to it instead of starting a second server")]
    Held {
        /// The database.
        path: PathBuf,
        /// Process, host and since when.
        holder: String,
    },
    /// The folder lies on a network file system.
    #[error(
        "{path} is on a network file system ({kind}), where SQLite cannot keep its promises; use a local disk"
    )]
    Network {
        /// The folder.
        path: PathBuf,
        /// Which file system.
        kind: &'static str,
    },
    /// The file may not be written.
    #[error("{0} cannot be written; check its owner and mode, and whether the disk is mounted read-only")]
    ReadOnly(PathBuf),
    /// There is something else than a SQLite database.
    #[error("{0} is not a SQLite database; nothing was changed; give another path, or restore the file")]
    NotADatabase(PathBuf),
    /// It is a SQLite database of another program.
    #[error("{0} is a SQLite database of another program; nothing was changed; give another path")]
    Foreign(PathBuf),
    /// The database is gone or empty while its log is there.
    #[error("{path} is gone or empty while its log {log} is there; restore the database file from a backup")]
    Lost {
        /// The database.
        path: PathBuf,
        /// Its log.
        log: PathBuf,
    },
    /// Its pages contradict each other.
    #[error("{path} is damaged ({reason}); nothing was changed; restore it from a backup")]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// A newer program has changed its schema.
    #[error("{path} has schema version {found}, this program knows up to {known}; use a newer onward")]
    Newer {
        /// The database.
        path: PathBuf,
        /// The version found.
        found: usize,
        /// The newest version this program knows.
        known: usize,
    },
    /// A migration that was applied is another one than this program has.
    #[error("{path} was made by another build (migration {migration} differs); use that build, or restore")]
    Different {
        /// The database.
        path: PathBuf,
        /// Which migration.
        migration: String,
    },
    /// Another program keeps it locked.
    #[error("{path} is locked by another program ({reason}); close it and try again")]
    Locked {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// The library has a bug that loses commits.
    #[error("the SQLite library is version {0}; 3.51.3 or later is needed")]
    OldLibrary(&'static str),
    /// The system says no.
    #[error("{path}: {error}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// SQLite says no.
    #[error("{path} cannot be opened: {reason}")]
    Sql {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
}

/// An address without what may be a password in it.
fn shown(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => url.to_owned(),
    }
}
