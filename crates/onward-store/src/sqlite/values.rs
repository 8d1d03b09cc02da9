//! How values of the vocabulary stand in columns.

use onward_core::clock::UnixMs;
use onward_core::id::{Epoch, RowIndex};
use onward_core::row::{ADDED, Outcome};
use onward_core::state::JobState;
use onward_core::tally::Tally;
use rusqlite::Row;

use super::failure::{Answer, unreadable};

/// The number that stands for an outcome; part of the stored format, never to be changed.
pub(super) fn outcome_code(outcome: Outcome) -> i64 {
    match outcome {
        Outcome::Added => 0,
        Outcome::Failed => 1,
        Outcome::Skipped => 2,
        Outcome::Filtered => 3,
    }
}

/// The outcome behind a number.
pub(super) fn outcome_of(code: i64) -> Answer<Outcome> {
    let known = Outcome::ALL.into_iter().find(|outcome| outcome_code(*outcome) == code);
    known.ok_or_else(|| unreadable("an outcome", &code))
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

/// A count as a column holds it.
pub(super) fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count from a column; a negative one is impossible by the schema.
pub(super) fn count(column: i64) -> u64 {
    u64::try_from(column).unwrap_or(0)
}

/// An epoch from a column.
pub(super) fn epoch(column: i64) -> Epoch {
    Epoch(count(column))
}

/// A row number from a column.
pub(super) fn row_index(column: i64) -> RowIndex {
    RowIndex(u32::try_from(column).unwrap_or(u32::MAX))
}

/// A moment from a column.
pub(super) fn moment(column: Option<i64>) -> Option<UnixMs> {
    column.map(UnixMs)
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

/// Code and message as columns: both NULL for a plain success, which is what most records are.
pub(super) fn reason<'a>(
    outcome: Outcome,
    code: &'a str,
    message: &'a str,
) -> (Option<&'a str>, Option<&'a str>) {
    if outcome == Outcome::Added && code == ADDED && message == ADDED {
        (None, None)
    } else {
        (Some(code), Some(message))
    }
}

/// The text of an optional column, `added` when it was left out.
pub(super) fn or_added(column: Option<String>) -> String {
    column.unwrap_or_else(|| String::from(ADDED))
}
