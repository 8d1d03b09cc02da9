//! How the vocabulary stands in columns, the same in every database.

use onward_core::clock::UnixMs;
use onward_core::doubt::Stand;
use onward_core::hook::{DeliveryState, HookEvent, Next};
use onward_core::id::{Epoch, InputId, RowIndex};
use onward_core::row::{ADDED, Outcome};

/// The number that stands for an outcome; part of the stored format, never to be changed.
pub(crate) fn outcome_code(outcome: Outcome) -> i64 {
    match outcome {
        Outcome::Added => 0,
        Outcome::Failed => 1,
        Outcome::Skipped => 2,
        Outcome::Filtered => 3,
    }
}

/// The outcome behind a number.
pub(crate) fn outcome_of(code: i64) -> Option<Outcome> {
    Outcome::ALL.into_iter().find(|outcome| outcome_code(*outcome) == code)
}

/// A count as a column holds it.
pub(crate) fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count from a column; a negative one is impossible by the schema.
pub(crate) fn count(column: i64) -> u64 {
    u64::try_from(column).unwrap_or(0)
}

/// An epoch from a column.
pub(crate) fn epoch(column: i64) -> Epoch {
    Epoch(count(column))
}

/// A row number from a column.
pub(crate) fn row_index(column: i64) -> RowIndex {
    RowIndex(u32::try_from(column).unwrap_or(u32::MAX))
}

/// A moment from a column.
pub(crate) fn moment(column: Option<i64>) -> Option<UnixMs> {
    column.map(UnixMs)
}

/// Code and message as columns: both NULL for a plain success, which is what most records are.
pub(crate) fn reason<'a>(
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
pub(crate) fn or_added(column: Option<String>) -> String {
    column.unwrap_or_else(|| String::from(ADDED))
}

/// The line of the timeline when a person has settled rows in doubt.
pub(crate) fn settled(count: u64, stand: Stand) -> String {
    let rows = if count == 1 { "1 row that was".to_owned() } else { format!("{count} rows that were") };
    match stand {
        Stand::Done => format!("{rows} in doubt: done"),
        Stand::Again | Stand::Held => format!("{rows} in doubt: to be called again"),
    }
}

/// What the timeline says of a job whose every row has an outcome.
pub(crate) fn all_done(total: u64) -> String {
    format!("all {total} rows have an outcome")
}

/// The stand behind a word.
pub(crate) fn stand_of(word: &str) -> Option<Stand> {
    Stand::ALL.into_iter().find(|stand| stand.word() == word)
}

/// The event of a hook behind a word.
pub(crate) fn hook_event(word: &str) -> Option<HookEvent> {
    HookEvent::ALL.into_iter().find(|event| event.word() == word)
}

/// The state of a delivery behind a word.
pub(crate) fn delivery_state(word: &str) -> Option<DeliveryState> {
    DeliveryState::ALL.into_iter().find(|state| state.word() == word)
}

/// What a delivery becomes after a call: its state, the wait until the next call, and failures to be counted.
pub(crate) fn settled_as(next: Next) -> (DeliveryState, Option<u64>, u32) {
    match next {
        Next::Delivered => (DeliveryState::Delivered, None, 0),
        Next::Gone => (DeliveryState::Gone, None, 1),
        Next::GivenUp => (DeliveryState::GivenUp, None, 1),
        Next::Again { wait_ms } => (DeliveryState::Waiting, Some(wait_ms), 1),
    }
}

/// Rows and the first row with the same key, as bytes: little-endian 32-bit numbers.
pub(crate) fn pack_pairs(pairs: &[(RowIndex, RowIndex)]) -> Vec<u8> {
    pairs.iter().flat_map(|(row, first)| [row.0.to_le_bytes(), first.0.to_le_bytes()]).flatten().collect()
}

/// The pairs in such bytes.
pub(crate) fn unpack_pairs(bytes: &[u8]) -> Vec<(RowIndex, RowIndex)> {
    let (numbers, _) = bytes.as_chunks::<4>();
    let (pairs, _) = numbers.as_chunks::<2>();
    let number = |bytes: [u8; 4]| RowIndex(u32::from_le_bytes(bytes));
    pairs.iter().map(|[row, first]| (number(*row), number(*first))).collect()
}

/// When an input that is not sealed was begun: its id says so (UUIDv7). One whose id does not is
/// taken for old.
pub(crate) fn begun_at(id: InputId) -> UnixMs {
    let Some(time) = id.0.get_timestamp() else { return UnixMs(i64::MIN) };
    let (seconds, nanos) = time.to_unix();
    UnixMs(int(seconds.saturating_mul(1_000).saturating_add(u64::from(nanos / 1_000_000))))
}
