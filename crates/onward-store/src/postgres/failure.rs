//! What PostgreSQL's errors mean for the caller: was anything written, and what can be done about it.

use onward_core::store::StoreError;
use tokio_postgres::error::{DbError, SqlState};

/// What an operation on the database answers.
pub(super) type Answer<T> = Result<T, Fail>;

/// Why an operation did not happen.
#[derive(Debug)]
pub(super) enum Fail {
    /// The contract says no; nothing was written.
    Refused(StoreError),
    /// The database says no, or the way to it broke.
    Sql(tokio_postgres::Error),
    /// Somebody else was faster; done again, it is told what they did.
    Again,
}

impl From<StoreError> for Fail {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<tokio_postgres::Error> for Fail {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Sql(error)
    }
}

/// A statement failed before its transaction was to be committed: nothing was written.
pub(super) fn rolled_back(error: &tokio_postgres::Error) -> StoreError {
    let Some(said) = error.as_db_error() else {
        return StoreError::Unavailable(words(error));
    };
    let code = said.code();
    if *code == SqlState::DISK_FULL {
        StoreError::DiskFull
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        StoreError::Unavailable(words(error))
    } else if matches!(class(said), "22" | "23" | "42") || matches!(code.code(), "XX001" | "XX002") {
        // A value, a constraint, a missing table, a damaged page: what is stored is not what we know.
        StoreError::Corrupt(words(error))
    } else {
        StoreError::Unavailable(words(error))
    }
}

/// What was to be committed failed. What the server refuses it has rolled back; a connection that broke
/// or was ended leaves it open whether the commit was first.
pub(super) fn commit_failed(error: &tokio_postgres::Error) -> StoreError {
    if is_broken(error) { StoreError::Unknown(words(error)) } else { rolled_back(error) }
}

/// Whether the connection is no more: the server ended it, or the way to it broke.
pub(super) fn is_broken(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_none_or(is_fatal)
}

/// Whether somebody else was faster and the same done again will see it: a broken deadlock, or the rule
/// of one active job per work.
pub(super) fn is_lost_race(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|said| {
        let code = said.code();
        *code == SqlState::T_R_DEADLOCK_DETECTED
            || *code == SqlState::T_R_SERIALIZATION_FAILURE
            || *code == SqlState::UNIQUE_VIOLATION
                && matches!(said.constraint(), Some("jobs_one_active" | "jobs_uuid_key"))
    })
}

/// A value that is stored cannot be understood.
pub(super) fn unreadable(what: &str, error: &dyn std::fmt::Display) -> Fail {
    Fail::Refused(StoreError::Corrupt(format!("{what} cannot be read: {error}")))
}

/// The reason under the client's general words: those of the server where it spoke.
pub(super) fn words(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("{} ({})", said.message(), said.code().code()),
        None => std::error::Error::source(error)
            .map_or_else(|| error.to_string(), |source| format!("{error}: {source}")),
    }
}

fn class(said: &DbError) -> &str {
    said.code().code().get(..2).unwrap_or_default()
}

fn is_fatal(said: &DbError) -> bool {
    // Classes 57 (the server was told to end us) and 08 (the connection) may come after the commit.
    !matches!(said.parsed_severity(), Some(tokio_postgres::error::Severity::Error)) || class(said) == "08"
}
