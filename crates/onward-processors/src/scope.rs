//! What the names in an expression stand for: fields of the row, and parts of the answer.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use http::header::HeaderMap;
use onward_core::input::{Columns, InputRow};
use serde_json::Value as Json;

use crate::expr::{Expression, Scope, Value};

/// An answer, as expressions see it.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Json,
}

/// The headers of an answer. Few expressions look at them, so they are only made a value when one does.
#[derive(Debug)]
pub(crate) struct Headers {
    sent: Arc<HeaderMap>,
    value: OnceLock<Json>,
}

impl Headers {
    pub(crate) fn of(sent: Arc<HeaderMap>) -> Self {
        Self { sent, value: OnceLock::new() }
    }

    /// Texts by name, in small letters; of a name that was sent several times the first.
    fn value(&self) -> &Json {
        self.value.get_or_init(|| {
            let mut texts = serde_json::Map::new();
            for (name, value) in &*self.sent {
                let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
                texts.entry(name.as_str()).or_insert(Json::String(text));
            }
            Json::Object(texts)
        })
    }
}

/// What one name of an expression stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The field in this column.
    Field(usize),
    /// The file has no such column.
    Absent,
    Status,
    Headers,
    Body,
    /// The row's own element of the answer.
    Item,
}

/// Which names stand for a part of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// None: there is no answer.
    Row,
    /// `status`, `headers` and `body`.
    Answer,
    /// Those and `item`.
    Item,
}

/// Finds the source of each name, once per call and not once per row.
pub(crate) fn bind(expression: &Expression, columns: &Columns, names: Names) -> Vec<Source> {
    let source = |name: &str| match (name, names) {
        ("status", Names::Answer | Names::Item) => Source::Status,
        ("headers", Names::Answer | Names::Item) => Source::Headers,
        ("body", Names::Answer | Names::Item) => Source::Body,
        ("item", Names::Item) => Source::Item,
        _ => columns.position(name).map_or(Source::Absent, Source::Field),
    };
    expression.variables().iter().map(|name| source(name)).collect()
}

/// The names over one row.
pub(crate) struct RowScope<'a> {
    pub(crate) row: &'a InputRow,
    pub(crate) bound: &'a [Source],
    pub(crate) found: Option<&'a Fetched>,
    pub(crate) item: Option<&'a Json>,
}

impl<'a> Scope<'a> for RowScope<'a> {
    fn variable(&self, slot: usize, what: &'a str) -> Value<'a> {
        let missing = Value::Missing(what);
        match (self.bound.get(slot), self.found) {
            (Some(Source::Field(at)), _) => {
                self.row.fields.get(*at).map_or(missing, |text| Value::Text(Cow::Borrowed(text)))
            }
            (Some(Source::Status), Some(found)) => Value::Int(i64::from(found.status)),
            (Some(Source::Headers), Some(found)) => Value::of_json(found.headers.value(), what),
            (Some(Source::Body), Some(found)) => Value::of_json(&found.body, what),
            (Some(Source::Item), _) => self.item.map_or(missing, |item| Value::of_json(item, what)),
            (Some(Source::Status | Source::Headers | Source::Body), None)
            | (Some(Source::Absent) | None, _) => missing,
        }
    }
}
