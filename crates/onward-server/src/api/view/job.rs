//! A job as the API shows it.

use onward_core::breaker::USUAL_FAILURES;
use onward_core::input::Warning;
use onward_core::job::{Job, LeaseFact};
use onward_core::state::{JobState, PauseReason, Step};
use onward_core::stuck::StuckReason;
use onward_core::tally::Tally;
use onward_engine::Snapshot;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rfc3339;

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
    /// Rows without an outcome whose call may have happened before a worker was lost.
    #[serde(default)]
    pub in_doubt_rows: u64,
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
    /// The least and the most it may be, when the pace of the last minute varies much.
    #[serde(default)]
    pub eta_range_seconds: Option<(u64, u64)>,
    /// Rows a second in each of the last steps of five seconds, oldest first.
    #[serde(default)]
    pub pace: Vec<f64>,
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
    /// Failures in a row that hold the job; 0 means never.
    pub breaker: Option<u32>,
    /// The job is held once so many rows have an outcome.
    pub hold_at: Option<u64>,
    /// Probes since the target last answered; more than 0 means that it is tried with one row.
    pub probes: u32,
    /// Its target takes no call now.
    pub throttled: Option<ThrottledView>,
    /// Who works on it.
    pub workers: Vec<HolderView>,
    /// What a person should know about the file. Filled where one job is asked for.
    #[serde(default)]
    pub warnings: Vec<WarningView>,
}

impl JobView {
    /// The view of a job whose checkpoint is in these places (`sqlite`, `redis`, …).
    #[must_use]
    pub fn new(snapshot: &Snapshot, saved_in: &[&str]) -> Self {
        let job = &snapshot.job;
        let limits = Limits::of(job);
        Self {
            job_id: job.id.to_string(),
            name: job.name.clone(),
            status: job.state,
            total_items: job.total,
            processed_items: job.tally.processed(),
            results: job.tally.into(),
            in_doubt_rows: job.in_doubt,
            resume_from_row: job.resume_from_row(),
            checkpoint: CheckpointView {
                low_water: job.checkpoint.low_water,
                ahead: job.checkpoint.ahead,
                saved_at: job.checkpoint.saved_at.map(rfc3339),
                saved_in: saved_in.iter().map(|place| (*place).to_owned()).collect(),
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
            eta_range_seconds: snapshot.eta_range_seconds,
            pace: snapshot.pace.iter().map(|rate| (rate * 10.0).round() / 10.0).collect(),
            created_at: rfc3339(job.created_at),
            started_at: job.started_at.map(rfc3339),
            updated_at: rfc3339(job.updated_at),
            finished_at: job.finished_at.map(rfc3339),
            input: InputView {
                filename: job.input.filename.clone(),
                sha256: job.input.sha256.clone(),
                bytes: job.input.bytes,
                available: job.input.available,
                blank_lines: None,
            },
            error: job
                .error
                .as_ref()
                .map(|error| ErrorView { code: error.code.clone(), message: error.message.clone() }),
            allowed_actions: job.allowed_actions().to_vec(),
            concurrency: limits.concurrency,
            rate: limits.rate,
            breaker: limits.breaker,
            hold_at: job.tuning.hold_at,
            probes: job.tuning.probes(),
            throttled: snapshot.closed_until.map(|until| ThrottledView {
                until: rfc3339(until),
                wait_seconds: until.ms_since(snapshot.at).div_ceil(1_000),
            }),
            workers: job.leases.iter().map(HolderView::from).collect(),
            warnings: Vec::new(),
        }
    }
}

/// A target that takes no call now, by its own word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Throttled)]
pub struct ThrottledView {
    /// When the next call may go out.
    pub until: String,
    /// How long that is from now, rounded up.
    pub wait_seconds: u64,
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
    /// user, breaker, quota, disk-full or in-doubt.
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
    /// Blank lines of it, which are no rows. Filled where one job is asked for.
    #[serde(default)]
    pub blank_lines: Option<u64>,
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

/// The limits in force: the live ones, else the recipe's.
struct Limits {
    concurrency: Option<u32>,
    rate: Option<String>,
    breaker: Option<u32>,
}

impl Limits {
    fn of(job: &Job) -> Self {
        #[derive(Deserialize)]
        struct Glance {
            work: Work,
            #[serde(default)]
            breaker: Option<Breaker>,
        }
        #[derive(Deserialize)]
        struct Breaker {
            failures_in_a_row: u32,
        }
        #[derive(Deserialize)]
        struct Work {
            #[serde(default)]
            concurrency: Option<u32>,
            #[serde(default)]
            rate: Option<String>,
        }
        let recipe = serde_json::from_str::<Glance>(&job.recipe).ok();
        let breaker = recipe.as_ref().map(|glance| {
            glance.breaker.as_ref().map_or(USUAL_FAILURES, |breaker| breaker.failures_in_a_row)
        });
        let (concurrency, rate) =
            recipe.map_or((None, None), |glance| (glance.work.concurrency, glance.work.rate));
        Self {
            concurrency: job.tuning.concurrency.or(concurrency),
            rate: job.tuning.rate.map_or(rate, |limit| limit.rate().map(|rate| rate.to_string())),
            breaker: job.tuning.breaker.or(breaker),
        }
    }
}
