//! How values of the vocabulary stand in columns.

use onward_core::row::Outcome;
use onward_core::state::JobState;
use onward_core::tally::Tally;
use rusqlite::Row;

use super::failure::{Answer, unreadable};
use crate::stored;
pub(super) use crate::stored::{count, epoch, int, moment, or_added, outcome_code, reason, row_index};

/// The outcome behind a number.
pub(super) fn outcome_of(code: i64) -> Answer<Outcome> {
    stored::outcome_of(code).ok_or_else(|| unreadable("an outcome", &code))
}

/// Four counters in neighbouring columns, in the order they are always shown.
pub(super) fn tally(row: &Row<'_>, at: usize) -> rusqlite::Result<Tally> {
    Ok(Tally {
        added: count(row.get(at)?),
        failed: count(row.get(at + 1)?),
        skipped: count(row.get(at + 2)?),
        filtered: count(row.get(at + 3)?),
    })
}

/// A state from its word.
pub(super) fn state(word: &str) -> Answer<JobState> {
    word.parse().map_err(|error| unreadable("a job's state", &error))
}

/// An id from its text.
pub(super) fn uuid<T: std::str::FromStr>(text: &str) -> Answer<T>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| unreadable("an id", &error))
}

/// A value kept as JSON text.
pub(super) fn json<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Answer<T> {
    serde_json::from_str(text).map_err(|error| unreadable(what, &error))
}

/// The JSON text of a value.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Answer<String> {
    serde_json::to_string(value).map_err(|error| unreadable("a value", &error))
}
