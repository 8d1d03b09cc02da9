//! What SQLite's errors mean for the caller: was anything written, and what can be done about it.

use onward_core::store::StoreError;
use rusqlite::ffi::{self, ErrorCode};

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
