//! Rows, groups of them, events, creators and problems as the API shows them.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use onward_core::event::{Event, EventKind};
use onward_core::row::Outcome;
use onward_core::store::{Creator, Group, Verify};
use onward_engine::handle::{DoubtDetail, RowDetail};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use super::{ResultsView, rfc3339};

/// A row and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Row)]
pub struct RowView {
    /// Its number, from 1.
    pub row: u64,
    /// Its identity.
    pub key: String,
    /// added, failed, skipped or filtered.
    #[schema(value_type = String)]
    pub outcome: Outcome,
    /// A short fixed word that says why.
    pub code: String,
    /// A sentence that says why.
    pub message: String,
    /// Calls made for it.
    pub attempts: u32,
    /// From the first call to the outcome, in milliseconds.
    pub duration_ms: u64,
    /// When the outcome was there.
    pub finished_at: String,
    /// Its columns as they stand in the file, by header, whatever `[columns]` of the recipe calls them; empty when
    /// the file is gone.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub fields: Fields,
    /// What the work gave back.
    pub result: Option<serde_json::Value>,
    /// The line of the file where it begins.
    pub line: Option<u64>,
}

impl From<RowDetail> for RowView {
    fn from(detail: RowDetail) -> Self {
        let row = detail.ledger;
        Self {
            row: row.index.row(),
            key: row.key,
            outcome: row.outcome,
            code: row.code,
            message: row.message,
            attempts: row.tries,
            duration_ms: row.duration_ms,
            finished_at: rfc3339(row.finished_at),
            fields: Fields::of(detail.fields),
            result: row.result.map(json_or_text),
            line: detail.line,
        }
    }
}

/// A row in doubt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RowInDoubt)]
pub struct DoubtView {
    /// Its number, from 1.
    pub row: u64,
    /// Its identity; empty when the file is gone.
    pub key: String,
    /// held: it waits for a person. again: it is called again. done: a person said so.
    pub stand: String,
    /// How many processes have died with it in flight.
    pub deaths: u32,
    /// When its worker was lost.
    pub since: String,
    /// Its columns as they stand in the file, by header, whatever `[columns]` of the recipe calls them; empty when
    /// the file is gone.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub fields: Fields,
}

impl From<DoubtDetail> for DoubtView {
    fn from(detail: DoubtDetail) -> Self {
        Self {
            row: detail.doubt.row.row(),
            key: detail.key,
            stand: detail.doubt.stand.word().to_owned(),
            deaths: detail.doubt.deaths,
            since: rfc3339(detail.doubt.since),
            fields: Fields::of(detail.fields),
        }
    }
}

/// Header and value of each column, in the file's order; a JSON object on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    fn of(fields: Vec<(Arc<str>, String)>) -> Self {
        let names = distinct(fields.iter().map(|(name, _)| &**name));
        Self(names.into_iter().zip(fields.into_iter().map(|(_, value)| value)).collect())
    }
}

/// Headers as members of an object: one that is there twice is `city_2` the second time, and one without a name is
/// `column_3`, as in a recipe.
pub(crate) fn distinct<'a>(headers: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = HashSet::new();
    let name = |(at, header): (usize, &str)| {
        let bare = if header.is_empty() { format!("column_{}", at + 1) } else { header.to_owned() };
        let numbered = (2..).map(|times| format!("{bare}_{times}"));
        let name = std::iter::once(bare.clone()).chain(numbered).find(|name| !taken.contains(name));
        let name = name.expect("some number is free: the file has few columns");
        taken.insert(name.clone());
        name
    };
    headers.enumerate().map(name).collect()
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Rows that ended for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Group)]
pub struct GroupView {
    /// The code.
    pub code: String,
    /// The sentence of the first of them.
    pub message: String,
    /// How many.
    pub count: u64,
    /// The first of them, from 1.
    pub first_row: u64,
    /// The last of them, from 1.
    pub last_row: u64,
}

impl From<Group> for GroupView {
    fn from(group: Group) -> Self {
        Self {
            code: group.code,
            message: group.message,
            count: group.count,
            first_row: group.first.row(),
            last_row: group.last.row(),
        }
    }
}

/// One line of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// Its number over all jobs; the `id:` of the event stream.
    pub seq: u64,
    /// Which job.
    pub job_id: String,
    /// When.
    pub at: String,
    /// What, such as `resumed`.
    #[schema(value_type = String)]
    pub kind: EventKind,
    /// Who.
    pub actor: String,
    /// The job's epoch after it.
    pub epoch: u64,
    /// The row (from 1) from which the job goes on.
    pub from_row: Option<u64>,
    /// A sentence with the rest.
    pub detail: String,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        Self {
            seq: event.seq,
            job_id: event.job.to_string(),
            at: rfc3339(event.at),
            kind: event.kind,
            actor: event.actor,
            epoch: event.epoch.0,
            from_row: event.from_row,
            detail: event.detail,
        }
    }
}

/// What `verify` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Verify)]
pub struct VerifyView {
    /// Whether nothing differs.
    pub ok: bool,
    /// Rows the job should have.
    pub rows: u64,
    /// Outcomes counted in the ledger, record by record.
    pub ledger: ResultsView,
    /// Outcomes as the counters say.
    pub counters: ResultsView,
    /// What differs, a sentence each.
    pub problems: Vec<String>,
}

impl From<Verify> for VerifyView {
    fn from(verify: Verify) -> Self {
        Self {
            ok: verify.problems.is_empty(),
            rows: verify.rows,
            ledger: verify.ledger.into(),
            counters: verify.counters.into(),
            problems: verify.problems,
        }
    }
}

/// A creator that was added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Creator)]
pub struct CreatorView {
    /// The list it is in.
    pub table: String,
    /// Its identity.
    pub key: String,
    /// Its columns.
    pub data: serde_json::Value,
    /// The job that added it.
    pub job_id: String,
    /// The row it came from; 1,073,741,825 and more when another file was attached since without that row.
    pub row: u64,
    /// When.
    pub added_at: String,
}

impl From<Creator> for CreatorView {
    fn from(creator: Creator) -> Self {
        Self {
            table: creator.table,
            key: creator.key,
            data: json_or_text(creator.data),
            job_id: creator.job.to_string(),
            row: creator.row.row(),
            added_at: rfc3339(creator.added_at),
        }
    }
}

/// A problem document (RFC 9457).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemView {
    /// `/problems/<code>`: the page about it.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, in words that hold for every case of it.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What exactly, and what to do next.
    pub detail: String,
    /// A short fixed word.
    pub code: String,
    /// Names this request in the server's log.
    pub request_id: String,
    /// The job it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// Where that job stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_status: Option<String>,
    /// What can be asked of that job instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_actions: Option<Vec<String>>,
    /// The row at which that job would go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume_from_row: Option<u64>,
    /// More facts, such as `line`, `nearest` or `existing_job_id`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub facts: serde_json::Map<String, serde_json::Value>,
}

/// JSON text as JSON; what is no JSON stays a text rather than being lost.
fn json_or_text(text: String) -> serde_json::Value {
    serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text))
}
