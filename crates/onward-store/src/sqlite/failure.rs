//! What SQLite's errors mean for the caller: was anything written, and what can be done about it.

use std::path::Path;

use onward_core::store::StoreError;
use rusqlite::ffi::{self, ErrorCode};

use super::migrate::MigrateError;
use crate::open::OpenError;

/// What an operation on the database answers.
pub(super) type Answer<T> = Result<T, Fail>;

/// Why an operation did not happen.
#[derive(Debug)]
pub(super) enum Fail {
    /// The contract says no; nothing was written.
    Refused(StoreError),
    /// SQLite says no; what was written of the transaction must be rolled back.
    Sql(rusqlite::Error),
}

impl From<StoreError> for Fail {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<rusqlite::Error> for Fail {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Fail> for StoreError {
    fn from(fail: Fail) -> Self {
        match fail {
            Fail::Refused(error) => error,
            Fail::Sql(error) => rolled_back(&error),
        }
    }
}

/// A statement failed and its transaction was rolled back: nothing was written.
pub(super) fn rolled_back(error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error() {
        Some(code) if is_full(code) => StoreError::DiskFull,
        Some(code) if matches!(code.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Corrupt(error.to_string())
        }
        Some(code) if code.code == ErrorCode::ConstraintViolation => StoreError::Corrupt(error.to_string()),
        Some(_) => StoreError::Unavailable(error.to_string()),
        None => StoreError::Corrupt(format!("a stored value cannot be read: {error}")),
    }
}

/// `COMMIT` failed. Only a full disk and a lock are known to leave nothing behind; after any other
/// failure the commit record may or may not be on the disk.
pub(super) fn commit_failed(error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error() {
        Some(code) if is_full(code) => StoreError::DiskFull,
        Some(code) if matches!(code.code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Unavailable(error.to_string())
        }
        Some(_) | None => StoreError::Unknown(error.to_string()),
    }
}

/// A value that is stored cannot be understood.
pub(super) fn unreadable(what: &str, error: &dyn std::fmt::Display) -> Fail {
    Fail::Refused(StoreError::Corrupt(format!("{what} cannot be read: {error}")))
}

fn is_full(code: &ffi::Error) -> bool {
    // A disk without room also shows when the shared-memory file beside the database cannot grow.
    code.code == ErrorCode::DiskFull || code.extended_code == ffi::SQLITE_IOERR_SHMSIZE
}

/// Why a schema cannot be used.
pub(super) fn refused(path: &Path, error: MigrateError) -> OpenError {
    let path = path.to_owned();
    match error {
        MigrateError::Foreign => OpenError::Foreign(path),
        MigrateError::Newer { found, known } => OpenError::Newer { path, found, known },
        MigrateError::Different(migration) => OpenError::Different { path, migration },
        MigrateError::Sql(error) => explain(&path, &error),
    }
}

/// Why a file cannot be opened.
pub(super) fn explain(path: &Path, error: &rusqlite::Error) -> OpenError {
    let (path, reason) = (path.to_owned(), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked { path, reason },
        Some(ErrorCode::ReadOnly) => OpenError::ReadOnly(path),
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase(path),
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged { path, reason },
        _ => OpenError::Sql { path, reason },
    }
}
