//! The shapes of the API's answers: wire types, separate from the core's, as `docs/http-api.md` says.
//!
//! Times are RFC 3339 in UTC with milliseconds. Rows count from 1. Every type reads back what it
//! writes, so that the command line uses the same ones.

use std::fmt;

use jiff::Timestamp;
use onward_core::clock::UnixMs;
use onward_core::event::{Event, EventKind};
use onward_core::input::Warning;
use onward_core::job::{Job, LeaseFact};
use onward_core::row::Outcome;
use onward_core::state::{JobState, PauseReason, Step};
use onward_core::store::{Creator, Group, Verify};
use onward_core::stuck::StuckReason;
use onward_core::tally::Tally;
use onward_engine::Snapshot;
use onward_engine::handle::RowDetail;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// A moment as the API writes it: RFC 3339, UTC, milliseconds.
#[must_use]
pub fn rfc3339(at: UnixMs) -> String {
    // A time outside the years -9999 to 9999 can only come from a broken clock; 1970 shows it.
    let stamp = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{stamp:.3}")
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Job)]
pub struct JobView {
    /// Its id, a UUIDv7.
    pub job_id: String,
    /// Its name for people.
    pub name: String,
    /// Where it stands: queued, running, paused, completed, failed or cancelled.
    #[schema(value_type = String)]
    pub status: JobState,
    /// Rows of the input.
    pub total_items: u64,
    /// Rows with an outcome: always the sum of `results`.
    pub processed_items: u64,
    /// Rows per outcome.
    pub results: ResultsView,
    /// The row (from 1) at which it goes on; null when every row has an outcome.
    pub resume_from_row: Option<u64>,
    /// What is saved.
    pub checkpoint: CheckpointView,
    /// Evidence that a running job is stuck.
    pub stuck: Option<StuckView>,
    /// Why it is paused.
    pub pause: Option<PauseView>,
    /// Stretches of running so far.
    pub attempt: u32,
    /// Grows when failed rows are opened again.
    pub generation: u32,
    /// The fencing token; send it as `If-Match` to act only on what you saw.
    pub epoch: u64,
    /// Rows that got an outcome per second, over the last seconds.
    pub rows_per_second: Option<f64>,
    /// Seconds until the last row at that rate.
    pub eta_seconds: Option<u64>,
    /// When it was submitted.
    pub created_at: String,
    /// When its first row was claimed.
    pub started_at: Option<String>,
    /// When anything about it last changed.
    pub updated_at: String,
    /// When it came to an end.
    pub finished_at: Option<String>,
    /// Its file.
    pub input: InputView,
    /// Why it failed.
    pub error: Option<ErrorView>,
    /// What can be asked of it now.
    #[schema(value_type = Vec<String>)]
    pub allowed_actions: Vec<Step>,
    /// Calls in flight, at most.
    pub concurrency: Option<u32>,
    /// Calls per time, at most, such as `50/min`.
    pub rate: Option<String>,
    /// Who works on it.
    pub workers: Vec<HolderView>,
    /// What a person should know about the file. Filled where one job is asked for.
    #[serde(default)]
    pub warnings: Vec<WarningView>,
}

impl JobView {
    /// The view of a job in a store of this kind (`sqlite`, `memory`, …).
    #[must_use]
    pub fn new(snapshot: &Snapshot, store_kind: &str) -> Self {
        let job = &snapshot.job;
        let limits = Limits::of(job);
        Self {
            job_id: job.id.to_string(),
            name: job.name.clone(),
            status: job.state,
            total_items: job.total,
            processed_items: job.tally.processed(),
            results: job.tally.into(),
            resume_from_row: job.resume_from_row(),
            checkpoint: CheckpointView {
                low_water: job.checkpoint.low_water,
                ahead: job.checkpoint.ahead,
                saved_at: job.checkpoint.saved_at.map(rfc3339),
                saved_in: vec![store_kind.to_owned()],
            },
            stuck: snapshot.stuck.as_ref().map(|stuck| StuckView {
                reason: stuck.reason,
                since: rfc3339(stuck.since),
                detail: stuck.detail.clone(),
            }),
            pause: job.pause.as_ref().map(|pause| PauseView {
                reason: pause.reason,
                message: pause.message.clone(),
                probe_at: pause.probe_at.map(rfc3339),
            }),
            attempt: job.attempt,
            generation: job.generation,
            epoch: job.epoch.0,
            rows_per_second: snapshot.rows_per_second.map(|rate| (rate * 100.0).round() / 100.0),
            eta_seconds: snapshot.eta_seconds,
            created_at: rfc3339(job.created_at),
            started_at: job.started_at.map(rfc3339),
            updated_at: rfc3339(job.updated_at),
            finished_at: job.finished_at.map(rfc3339),
            input: InputView {
                filename: job.input.filename.clone(),
                sha256: job.input.sha256.clone(),
                bytes: job.input.bytes,
                available: job.input.available,
            },
            error: job
                .error
                .as_ref()
                .map(|error| ErrorView { code: error.code.clone(), message: error.message.clone() }),
            allowed_actions: job.allowed_actions().to_vec(),
            concurrency: limits.concurrency,
            rate: limits.rate,
            workers: job.leases.iter().map(HolderView::from).collect(),
            warnings: Vec::new(),
        }
    }
}

/// Rows per outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Results)]
pub struct ResultsView {
    /// Done.
    pub added: u64,
    /// Could not be done.
    pub failed: u64,
    /// Nothing to do.
    pub skipped: u64,
    /// Left out by the filter.
    pub filtered: u64,
}

impl From<Tally> for ResultsView {
    fn from(tally: Tally) -> Self {
        Self { added: tally.added, failed: tally.failed, skipped: tally.skipped, filtered: tally.filtered }
    }
}

/// What is saved of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Checkpoint)]
pub struct CheckpointView {
    /// All rows up to this one have an outcome.
    pub low_water: u64,
    /// Rows beyond it that have one too.
    pub ahead: u64,
    /// When the last outcome became durable.
    pub saved_at: Option<String>,
    /// Where.
    pub saved_in: Vec<String>,
}

/// Evidence that a job is stuck.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Stuck)]
pub struct StuckView {
    /// worker-lost, no-progress or row-hanging.
    #[schema(value_type = String)]
    pub reason: StuckReason,
    /// Since when.
    pub since: String,
    /// A sentence.
    pub detail: String,
}

/// Why a job is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Pause)]
pub struct PauseView {
    /// user, breaker, quota or disk-full.
    #[schema(value_type = String)]
    pub reason: PauseReason,
    /// A sentence.
    pub message: String,
    /// When it is tried again by itself.
    pub probe_at: Option<String>,
}

/// A job's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Input)]
pub struct InputView {
    /// The name it came with.
    pub filename: String,
    /// SHA-256 of the upload, in hex.
    pub sha256: String,
    /// Size of the upload in bytes.
    pub bytes: u64,
    /// Whether the stored copy is still there.
    pub available: bool,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = JobError)]
pub struct ErrorView {
    /// A short fixed word.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// Who holds a part of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Holder)]
pub struct HolderView {
    /// The worker.
    pub worker: String,
    /// The number of the span it holds.
    pub span: u32,
    /// The epoch of its claim.
    pub epoch: u64,
    /// Until when, unless renewed.
    pub lease_until: String,
    /// The row that has been in flight longest, as of the last save.
    pub waiting_row: Option<u64>,
    /// Since when it has been.
    pub waiting_since: Option<String>,
}

impl From<&LeaseFact> for HolderView {
    fn from(lease: &LeaseFact) -> Self {
        Self {
            worker: lease.worker.to_string(),
            span: lease.span.0,
            epoch: lease.epoch.0,
            lease_until: rfc3339(lease.until),
            waiting_row: lease.waiting.map(|waiting| waiting.row.row()),
            waiting_since: lease.waiting.map(|waiting| rfc3339(waiting.since)),
        }
    }
}

/// Something about a file that was accepted and that a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Warning)]
pub struct WarningView {
    /// A short fixed word.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// The line of the file it is about.
    pub line: Option<u64>,
}

impl From<Warning> for WarningView {
    fn from(warning: Warning) -> Self {
        Self { code: warning.code, message: warning.message, line: warning.line }
    }
}

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
    /// Its columns as they stand in the file; empty when the file is gone.
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
            fields: Fields(detail.fields),
            result: row.result.map(json_or_text),
            line: detail.line,
        }
    }
}

/// Header and value of each column, in the file's order; a JSON object on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields(pub Vec<(String, String)>);

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
    /// The row it came from.
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

/// The limits in force: the live ones, else the recipe's.
struct Limits {
    concurrency: Option<u32>,
    rate: Option<String>,
}

impl Limits {
    fn of(job: &Job) -> Self {
        #[derive(Deserialize)]
        struct Glance {
            work: Work,
        }
        #[derive(Deserialize)]
        struct Work {
            #[serde(default)]
            concurrency: Option<u32>,
            #[serde(default)]
            rate: Option<String>,
        }
        let recipe = serde_json::from_str::<Glance>(&job.recipe).ok().map(|glance| glance.work);
        let (concurrency, rate) = recipe.map_or((None, None), |work| (work.concurrency, work.rate));
        Self {
            concurrency: job.tuning.concurrency.or(concurrency),
            rate: job.tuning.rate.map(|rate| rate.to_string()).or(rate),
        }
    }
}

/// JSON text as JSON; what is no JSON stays a text rather than being lost.
fn json_or_text(text: String) -> serde_json::Value {
    serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text))
}
