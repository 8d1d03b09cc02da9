//! What the rest of Onward asks of a database, and what every store must answer.
//!
//! **Promise.** What a method answered with `Ok` survives a power cut. Every write on a job's behalf
//! names the epoch it believes in; when that is not the current one, nothing is written and the
//! answer is [`StoreError::Fenced`]. A write is one transaction: all of it or nothing. Counters are
//! computed from what was inserted, never from what was sent.
//!
//! **What a crash leaves.** Before a commit's transaction ends: nothing of it. After: all of it. A
//! caller that got [`StoreError::Unknown`] does not know which; it asks [`Store::reread`].
//!
//! **Time** comes in as `now`. Stores compare it with the leases they wrote and decide nothing else
//! by it. The in-memory store is the model of this contract; `conformance` is its test.

use std::sync::Arc;

use async_trait::async_trait;

use crate::checkpoint::DoneSet;
use crate::clock::UnixMs;
use crate::event::{Event, NewEvent};
use crate::id::{Epoch, InputId, JobId, RowIndex, SpanNo, WorkerId};
use crate::input::{Chunk, Duplicates, InputSummary};
use crate::job::{Job, JobError, Pause, Tuning, Waiting};
use crate::row::{Outcome, RowRecord};
use crate::state::{JobState, Step};
use crate::tally::Tally;

/// Answers of a store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The ledger and all that goes with it.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// A word for people: `sqlite`, `memory`, `postgres`. Shown as where checkpoints are saved.
    fn kind(&self) -> &'static str;

    // --- inputs -----------------------------------------------------------------------------

    /// Stores one chunk of an input that is being read. No job can refer to it before
    /// [`Store::seal_input`]; chunks of an input that is never sealed are swept away.
    async fn put_chunk(&self, input: InputId, chunk: Chunk) -> Result<()>;
    /// Ends an input: its facts, and which of its rows repeat an earlier one.
    async fn seal_input(&self, summary: &InputSummary, duplicates: &Duplicates, now: UnixMs) -> Result<()>;
    /// The facts of a sealed input.
    async fn input(&self, input: InputId) -> Result<Option<InputSummary>>;
    /// One chunk and the duplicates among its rows; `None` when it is gone.
    async fn chunk(&self, input: InputId, no: SpanNo) -> Result<Option<(Chunk, Duplicates)>>;
    /// Deletes unsealed inputs and sealed ones that no job refers to, older than `before`.
    async fn sweep_inputs(&self, before: UnixMs) -> Result<u64>;
    /// Deletes the chunks of an input and keeps the facts; jobs over it show `available: false`.
    async fn drop_input(&self, input: InputId) -> Result<()>;

    // --- jobs -------------------------------------------------------------------------------

    /// Creates a queued job with its spans. Refused with [`StoreError::Duplicate`] while another
    /// job over the same input bytes and recipe is active.
    async fn create_job(&self, job: NewJob) -> Result<Job>;
    /// One job.
    async fn job(&self, id: JobId) -> Result<Option<Job>>;
    /// Jobs, newest first, after `query.before` (exclusive).
    async fn jobs(&self, query: &JobQuery) -> Result<Vec<Job>>;
    /// The newest job over these input bytes and this recipe.
    async fn find_job(&self, work_digest: &str) -> Result<Option<JobId>>;
    /// Takes a step that [`crate::state::step`] allows: state, epoch + 1, spans fenced, timeline
    /// event, all at once. Of concurrent callers exactly one succeeds; the others get
    /// [`StoreError::Illegal`] with the job they lost to.
    async fn command(&self, command: &Command) -> Result<Job>;
    /// Moves failed rows to history and opens them again under a new generation, then runs the job.
    /// [`StoreError::NothingToRetry`] when no row matches. Answers how many rows were opened.
    async fn retry(&self, retry: &Retry) -> Result<(u64, Job)>;
    /// Changes name and live limits; `None` leaves as it is.
    async fn tune(
        &self,
        id: JobId,
        name: Option<&str>,
        tuning: Option<Tuning>,
        actor: &str,
        now: UnixMs,
    ) -> Result<Job>;
    /// Deletes a job that is not running, its ledger, and its input when no other job needs it.
    /// Creators stay.
    async fn delete_job(&self, id: JobId) -> Result<()>;

    // --- work -------------------------------------------------------------------------------

    /// Queued or running jobs that have a span nobody holds, oldest first.
    async fn claimable(&self, limit: usize) -> Result<Vec<JobId>>;
    /// Takes the job's first span that nobody holds, under the next epoch; starts a queued job.
    /// `None` when there is none. Before a call for a row goes out, this must have answered (G3).
    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>>;
    /// Records outcomes, adds creators, moves the checkpoint and the lease: one fenced transaction.
    /// A row that has an outcome already is left as it is and not counted. A creator that is in its
    /// table already turns `added` into `skipped: already-there`. When the last span of the job is
    /// full the job is completed in the same transaction.
    async fn commit(&self, commit: Commit) -> Result<Committed>;
    /// The truth about a span one holds, read on a new connection after an unknown commit.
    async fn reread(&self, job: JobId, span: SpanNo, epoch: Epoch) -> Result<Claimed>;
    /// Gives a span back; it can be claimed at once.
    async fn release(&self, job: JobId, span: SpanNo, epoch: Epoch) -> Result<()>;
    /// Gives back every span whose lease has lapsed. Answers what was given back.
    async fn rescue(&self, now: UnixMs) -> Result<Vec<Rescued>>;
    /// Gives back every span whatever its lease: only for a process that knows it is alone.
    async fn release_all(&self, now: UnixMs) -> Result<Vec<Rescued>>;

    // --- reading ----------------------------------------------------------------------------

    /// Ledger records in row order, after `query.after` (exclusive).
    async fn rows(&self, query: &RowQuery) -> Result<Vec<LedgerRow>>;
    /// Failed, skipped and filtered rows grouped by outcome, code and message, most first. At most
    /// 200 groups.
    async fn groups(&self, job: JobId, outcome: Outcome) -> Result<Vec<Group>>;
    /// Compares counters, checkpoint, ledger, creators and input, and says what differs.
    async fn verify(&self, job: JobId) -> Result<Verify>;
    /// Records a fact on the timeline.
    async fn record(&self, event: NewEvent) -> Result<Event>;
    /// Events after `seq`, of one job or of all, oldest first.
    async fn events(&self, job: Option<JobId>, after: u64, limit: usize) -> Result<Vec<Event>>;
    /// A number that is another one after any change by anybody. Cheap: the feed asks ten times a second.
    async fn version(&self) -> Result<u64>;
    /// Counts for the tiles of the main page.
    async fn totals(&self, today_from: UnixMs) -> Result<Totals>;
    /// Creators that were added, in order of their key after `after`.
    async fn creators(&self, query: &CreatorQuery) -> Result<Vec<Creator>>;

    // --- answers to repeat ------------------------------------------------------------------

    /// Reserves an idempotency key for a request. Keys older than a day are forgotten.
    async fn reserve(&self, key: &str, fingerprint: &str, now: UnixMs) -> Result<Reservation>;
    /// Keeps the answer under the key; `None` frees the key (the request had no effect).
    async fn keep_answer(&self, key: &str, answer: Option<(u16, String)>) -> Result<()>;

    // --- health -----------------------------------------------------------------------------

    /// Writes and deletes something, so that a full or read-only disk shows.
    async fn ping(&self) -> Result<()>;
}

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StoreError {
    /// No such job (or input).
    #[error("job {0} does not exist")]
    NotFound(JobId),
    /// The caller's epoch is not the current one; nothing was written.
    #[error("the epoch is {found} by now; nothing was written")]
    Fenced {
        /// The current epoch of the span (or job).
        found: Epoch,
    },
    /// The step is illegal in the job's state; nothing was written.
    #[error("job {} is {}", .0.id, .0.state)]
    Illegal(Box<Job>),
    /// Another job over the same input and recipe is active.
    #[error("job {0} does the same work already")]
    Duplicate(JobId),
    /// No failed row matches.
    #[error("no row to retry")]
    NothingToRetry,
    /// A chunk of the input is gone.
    #[error("the input is gone")]
    InputGone,
    /// No room left; nothing was written.
    #[error("no room left on the disk of the database")]
    DiskFull,
    /// The database does not answer or refuses; nothing was written.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    /// It is not known whether the write happened.
    #[error("it is not known whether the write happened: {0}")]
    Unknown(String),
    /// What is stored contradicts itself; the job must stop (G23).
    #[error("the stored data contradicts itself: {0}")]
    Corrupt(String),
}

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
    /// At most so many.
    pub limit: usize,
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
    /// Only these rows; empty means all.
    pub rows: Vec<RowIndex>,
    /// Who asks.
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
    /// Which of its rows have an outcome.
    pub done: DoneSet,
    /// Rows before this one may be called; durable.
    pub claimed_until: RowIndex,
    /// The generation of the job.
    pub generation: u32,
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
    /// The records; may be empty (a renewal).
    pub rows: Vec<RowRecord>,
    /// The first row of the span without an outcome, after this commit.
    pub low_water: RowIndex,
    /// Rows before this one may be called once this commit is durable.
    pub claimed_until: RowIndex,
    /// The row longest in flight.
    pub waiting: Option<Waiting>,
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

/// Counts over all jobs.
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
