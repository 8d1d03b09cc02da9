//! How values of the vocabulary stand in columns, and parameters with their types.

use std::borrow::Cow;

use onward_core::clock::UnixMs;
use onward_core::row::Outcome;
use onward_core::state::JobState;
use onward_core::tally::Tally;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql, Type};
use uuid::Uuid;

use super::failure::{Answer, unreadable};
use crate::stored;
pub(super) use crate::stored::{count, epoch, int, moment, or_added, row_index};

/// A parameter: a value that knows the type of its column. Statements are sent unprepared, with the
/// types of their parameters, because nothing prepared survives a transaction pooler.
pub(super) type Param<'a> = &'a (dyn Typed + Sync);

/// A value whose column type is known without asking the server.
pub(super) trait Typed: ToSql {
    /// The type.
    fn column_type(&self) -> Type;
}

macro_rules! typed {
    (one $rust:ty, $kind:ident) => {
        impl Typed for $rust {
            fn column_type(&self) -> Type {
                Type::$kind
            }
        }
    };
    ($($rust:ty => $one:ident, $many:ident;)*) => { $(
        typed! { one $rust, $one }
        typed! { one Option<$rust>, $one }
        typed! { one Vec<$rust>, $many }
        typed! { one Option<Vec<$rust>>, $many }
        typed! { one Vec<Option<$rust>>, $many }
    )* };
}

typed! {
    i64 => INT8, INT8_ARRAY;
    i32 => INT4, INT4_ARRAY;
    i16 => INT2, INT2_ARRAY;
    bool => BOOL, BOOL_ARRAY;
    String => TEXT, TEXT_ARRAY;
    &str => TEXT, TEXT_ARRAY;
    Cow<'_, str> => TEXT, TEXT_ARRAY;
    Uuid => UUID, UUID_ARRAY;
    Vec<u8> => BYTEA, BYTEA_ARRAY;
    &[u8] => BYTEA, BYTEA_ARRAY;
}

/// Values as the parameters of a statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$(&$value as $crate::postgres::values::Param<'_>),*] };
}
pub(super) use params;

/// Parameters as the client takes them.
pub(super) fn typed<'a>(params: &[Param<'a>]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    params.iter().map(|param| (*param as &(dyn ToSql + Sync), param.column_type())).collect()
}

/// A column. Its type is wrong only when the schema is not the one this program made.
pub(super) fn get<'a, T: FromSql<'a>>(row: &'a Row, at: usize) -> Answer<T> {
    row.try_get(at).map_err(|error| unreadable("a column", &error))
}

/// Stands for the zero byte, which the database's texts cannot hold and some files do: a code point that
/// is set aside for the inner use of programs, and so stands in no text.
const ZERO: char = '\u{10ffff}';

/// A text as the database can keep it.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', ZERO.encode_utf8(&mut [0; 4])))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text that was kept.
pub(super) fn text(row: &Row, at: usize) -> Answer<String> {
    Ok(restored(get(row, at)?))
}

/// The same where there may be none.
pub(super) fn optional_text(row: &Row, at: usize) -> Answer<Option<String>> {
    Ok(get::<Option<String>>(row, at)?.map(restored))
}

fn restored(text: String) -> String {
    if text.contains(ZERO) { text.replace(ZERO, "\0") } else { text }
}

/// Four counters in neighbouring columns, in the order they are always shown.
pub(super) fn tally(row: &Row, at: usize) -> Answer<Tally> {
    Ok(Tally {
        added: count(get(row, at)?),
        failed: count(get(row, at + 1)?),
        skipped: count(get(row, at + 2)?),
        filtered: count(get(row, at + 3)?),
    })
}

/// The number that stands for an outcome.
pub(super) fn outcome_code(outcome: Outcome) -> i16 {
    i16::try_from(stored::outcome_code(outcome)).expect("there are four outcomes")
}

/// The outcome behind a number.
pub(super) fn outcome_of(code: i16) -> Answer<Outcome> {
    stored::outcome_of(i64::from(code)).ok_or_else(|| unreadable("an outcome", &code))
}

/// A 32-bit count as a column holds it.
pub(super) fn small(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A 32-bit count from a column; a negative one is impossible by the schema.
pub(super) fn small_count(column: i32) -> u32 {
    u32::try_from(column).unwrap_or(0)
}

/// A moment as a column holds it.
pub(super) fn at(moment: Option<UnixMs>) -> Option<i64> {
    moment.map(|moment| moment.0)
}

/// A state from its word.
pub(super) fn state(word: &str) -> Answer<JobState> {
    word.parse().map_err(|error| unreadable("a job's state", &error))
}

/// A value kept as JSON text.
pub(super) fn json<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Answer<T> {
    serde_json::from_str(text).map_err(|error| unreadable(what, &error))
}

/// The JSON text of a value.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Answer<String> {
    serde_json::to_string(value).map_err(|error| unreadable("a value", &error))
}
