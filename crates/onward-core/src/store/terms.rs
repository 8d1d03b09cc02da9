//! What a store is asked with, and what it answers with: plain data.

use std::sync::Arc;

use crate::checkpoint::DoneSet;
use crate::clock::UnixMs;
use crate::doubt::{Doubt, Stand, Trial};
use crate::event::EventKind;
use crate::id::{Epoch, InputId, JobId, RowIndex, SpanNo, WorkerId};
use crate::job::{Go, JobError, Pause, Tuning, Waiting};
use crate::row::{Outcome, RowRecord};
use crate::state::{JobState, Step};
use crate::tally::Tally;

/// A job to be created.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// Its name for people.
    pub name: String,
    /// A sealed input.
    pub input: InputId,
    /// The recipe as JSON text.
    pub recipe: Arc<str>,
    /// Names the work: digest over the input's bytes and the recipe. At most one active job has it.
    pub work_digest: String,
    /// Hold the job after so many rows, and ask.
    pub first: Option<u64>,
    /// Who submits.
    pub actor: String,
    /// When.
    pub now: UnixMs,
}

/// Which jobs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobQuery {
    /// Only these states; empty means all.
    pub states: Vec<JobState>,
    /// Only jobs whose name or file name contains this, whatever the case.
    pub text: Option<String>,
    /// Only jobs older than this one (the cursor).
    pub before: Option<JobId>,
    /// Only jobs newer than this one, the oldest of them: the page before one that begins with it.
    pub after: Option<JobId>,
    /// At most so many.
    pub limit: usize,
}

/// By what the newest job is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// The same bytes with the same recipe: the digest that names the work.
    Work(String),
    /// The same bytes, whatever the recipe: SHA-256 of the upload in hex.
    Content(String),
}

/// A step and what goes with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// Which job.
    pub job: JobId,
    /// Resume, restart, force-cancel, pause or fail. Start, complete and retry have ways of their own.
    pub step: Step,
    /// The epoch the caller saw, when it must not have moved.
    pub epoch: Option<Epoch>,
    /// Who asks.
    pub actor: String,
    /// When.
    pub now: UnixMs,
    /// For pause: why.
    pub pause: Option<Pause>,
    /// For fail: why.
    pub error: Option<JobError>,
    /// For resume: how far.
    pub go: Go,
}

impl Command {
    /// The line of the timeline it writes; `None` for start, complete and retry, which are no commands.
    #[must_use]
    pub fn kind(&self) -> Option<EventKind> {
        match self.step {
            Step::Resume => Some(EventKind::Resumed),
            Step::Restart => Some(EventKind::Restarted),
            Step::ForceCancel => Some(EventKind::Cancelled),
            Step::Pause => Some(EventKind::Paused),
            Step::Fail => Some(EventKind::Failed),
            Step::Start | Step::Complete | Step::Retry => None,
        }
    }

    /// What that line says: why the job is held or could not go on.
    #[must_use]
    pub fn detail(&self) -> &str {
        let pause = self.pause.as_ref().map(|pause| pause.message.as_str());
        let error = self.error.as_ref().map(|error| error.message.as_str());
        pause.or(error).unwrap_or_default()
    }
}

/// Which rows to open again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Which job.
    pub job: JobId,
    /// Rows with this outcome.
    pub outcome: Outcome,
    /// Only those with this code.
    pub code: Option<String>,
    /// Only those whose key or message contains this, whatever the case.
    pub text: Option<String>,
    /// Only these rows; empty means all.
    pub rows: Vec<RowIndex>,
    /// Who asks.
    pub actor: String,
    /// When.
    pub now: UnixMs,
}

/// What a person says about rows in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settle {
    /// Which job.
    pub job: JobId,
    /// These rows; empty means all that wait for a person.
    pub rows: Vec<RowIndex>,
    /// Done, or to be called again.
    pub stand: Stand,
    /// Who says it.
    pub actor: String,
    /// When.
    pub now: UnixMs,
}

/// A wish for a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Of which job.
    pub job: JobId,
    /// For whom.
    pub worker: WorkerId,
    /// How many rows beyond the first missing one may be called before the next commit moves the mark.
    pub window: u32,
    /// When.
    pub now: UnixMs,
}

/// A span that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Which span.
    pub span: SpanNo,
    /// Under which epoch.
    pub epoch: Epoch,
    /// The input its rows are of: another file may have been attached since the caller last looked.
    pub input: InputId,
    /// Which of its rows have an outcome.
    pub done: DoneSet,
    /// Rows before this one may be called; durable.
    pub claimed_until: RowIndex,
    /// The generation of the job.
    pub generation: u32,
    /// How far the job goes on now, as of the claim.
    pub reach: Reach,
    /// Its rows in doubt, as of the claim; a reread leaves them out.
    pub doubts: Vec<Doubt>,
}

/// How far a job goes on for whoever claims a span of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reach {
    /// Rows that may still get an outcome before the job is held; `None` means all.
    pub rows: Option<u64>,
    /// Probes since the target last answered; more than 0 means one row at a time.
    pub probes: u32,
    /// Rows of the whole job without an outcome; counted for a job that one worker at a time works on.
    pub open: u64,
}

impl Reach {
    /// Whether the job goes on for some rows only, so that one worker at a time works on it.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.rows.is_some() || self.probes > 0
    }

    /// What a job's own terms and its counters make of it.
    #[must_use]
    pub fn of(tuning: Tuning, processed: u64, total: u64) -> Self {
        let rows = tuning.hold_at.map(|at| at.saturating_sub(processed));
        let open = if tuning.is_alone() { total.saturating_sub(processed) } else { 0 };
        Self { rows, probes: tuning.probes(), open }
    }
}

/// Outcomes to record, and where the span stands after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Which job.
    pub job: JobId,
    /// Which span.
    pub span: SpanNo,
    /// The epoch of the claim.
    pub epoch: Epoch,
    /// The records, in the order of the rows: beside its neighbour, a row costs a ledger less. May be empty (a
    /// renewal). The run keeps them as well, until it knows that they are durable.
    pub rows: Arc<Vec<RowRecord>>,
    /// The first row of the span without an outcome, after this commit.
    pub low_water: RowIndex,
    /// Rows before this one may be called once this commit is durable.
    pub claimed_until: RowIndex,
    /// The row longest in flight.
    pub waiting: Option<Waiting>,
    /// Up to when nothing was or is due, if the worker ever rested: for a rate, a limit of the target, a retry's
    /// time. The span keeps the latest.
    pub rests_until: Option<UnixMs>,
    /// Whether a row is now tried alone, or no longer.
    pub trial: Trial,
    /// When; the lease is renewed from it.
    pub now: UnixMs,
}

/// What a commit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Rows that had no outcome before.
    pub inserted: u32,
    /// The span's counters now.
    pub tally: Tally,
    /// Whether every row of the span has an outcome; the span is then no longer held.
    pub span_done: bool,
    /// Whether the job is completed.
    pub job_done: bool,
}

/// A span that was taken from its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescued {
    /// Of which job.
    pub job: JobId,
    /// Which span.
    pub span: SpanNo,
    /// Who held it.
    pub worker: WorkerId,
}

/// Which ledger records to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowQuery {
    /// Of which job.
    pub job: JobId,
    /// Only this outcome.
    pub outcome: Option<Outcome>,
    /// Only this code.
    pub code: Option<String>,
    /// Only records whose key or message contains this, whatever the case.
    pub text: Option<String>,
    /// Only rows after this one (the cursor).
    pub after: Option<RowIndex>,
    /// Only rows up to and including this one.
    pub until: Option<RowIndex>,
    /// At most so many.
    pub limit: usize,
}

/// A record of the ledger as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// Which row.
    pub index: RowIndex,
    /// Its identity.
    pub key: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The code.
    pub code: String,
    /// The sentence.
    pub message: String,
    /// What the work gave back, as JSON text.
    pub result: Option<String>,
    /// Calls made.
    pub tries: u32,
    /// From the first call to the verdict, in milliseconds.
    pub duration_ms: u64,
    /// When the verdict was there.
    pub finished_at: UnixMs,
    /// The epoch that wrote it.
    pub epoch: Epoch,
    /// The generation that wrote it.
    pub generation: u32,
}

/// Rows that ended for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The code.
    pub code: String,
    /// The sentence of the first of them.
    pub message: String,
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: RowIndex,
    /// The last of them.
    pub last: RowIndex,
}

/// What `verify` found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verify {
    /// Rows the job should have.
    pub rows: u64,
    /// Outcomes counted in the ledger, record by record.
    pub ledger: Tally,
    /// Outcomes as the counters say.
    pub counters: Tally,
    /// What differs, a sentence each; empty when all is well.
    pub problems: Vec<String>,
}

/// Jobs by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Jobs that run.
    pub running: u64,
    /// Jobs that wait for their first claim.
    pub queued: u64,
    /// Jobs that are paused.
    pub paused: u64,
    /// Jobs that failed.
    pub failed: u64,
}

/// Figures over all jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// All jobs.
    pub jobs: u64,
    /// Failed rows of jobs that were active since `today_from`.
    pub failed_rows_today: u64,
}

/// Which creators to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreatorQuery {
    /// Only this list (`[add] table`).
    pub table: Option<String>,
    /// Only keys that contain this, whatever the case.
    pub text: Option<String>,
    /// Only after this (table, key).
    pub after: Option<(String, String)>,
    /// At most so many.
    pub limit: usize,
}

/// A creator that was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creator {
    /// The list it is in.
    pub table: String,
    /// Its identity.
    pub key: String,
    /// Its columns, as JSON text.
    pub data: String,
    /// The job that added it.
    pub job: JobId,
    /// The row it came from.
    pub row: RowIndex,
    /// When.
    pub added_at: UnixMs,
}

/// What is known of an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reservation {
    /// It is new and now belongs to this request.
    Fresh,
    /// The same request was answered before: this status and body.
    Answered(u16, String),
    /// The same request is still running.
    Running,
    /// Another request used this key.
    Other,
}
