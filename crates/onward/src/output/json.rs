//! Data for programs: the API's own JSON, as it is.

use serde::Serialize;

/// Prints a value as JSON, indented.
pub(crate) fn print<T: Serialize>(value: &T) {
    super::data(&serde_json::to_string_pretty(value).expect("the API's types always serialise"));
}

/// Prints a value as JSON on one line.
pub(crate) fn print_line<T: Serialize>(value: &T) {
    super::data(&serde_json::to_string(value).expect("the API's types always serialise"));
}
