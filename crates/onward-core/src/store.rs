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

mod attach;
mod fleet;
mod glance;
mod heard;
mod moving;
mod outbox;
mod picture;
mod room;
mod terms;

use async_trait::async_trait;

use crate::clock::UnixMs;
use crate::doubt::Doubt;
use crate::event::{Event, NewEvent};
use crate::id::{Epoch, InputId, JobId, RowIndex, SpanNo, WorkerId};
use crate::input::{Chunk, Duplicates, InputSummary};
use crate::job::{Job, Tuning};
use crate::row::Outcome;

pub use attach::{Attach, GONE_FROM, Move};
pub use fleet::{
    BEAT_MS, BEAT_WRITTEN_MS, Beat, FORGOTTEN_MS, Hot, LOST_MS, Presence, Turns, TurnsAsked, Wish, Worker,
};
pub use glance::Glance;
pub use heard::{HEARD_MINUTES, Heard, NO_ANSWER};
pub use moving::{BEING_MOVED, DONE_BEFORE, Moving};
pub use outbox::{DeliveryQuery, Outbox, Standstill, TakeDeliveries, Tried};
pub use picture::{Mark, SpanFact, SpanQuery, Walk};
pub use room::Room;
pub use terms::{
    Claim, Claimed, Command, Commit, Committed, Creator, CreatorQuery, Group, JobQuery, LedgerRow, NewJob,
    Reach, Rescued, Reservation, Retry, RowQuery, Settle, Sought, Sums, Totals, Verify,
};

/// Answers of a store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The ledger and all that goes with it.
#[async_trait]
pub trait Store: Outbox + Send + Sync + 'static {
    /// A word for people: `sqlite`, `memory`, `postgres`. Shown as where checkpoints are saved.
    fn kind(&self) -> &'static str;

    /// How a hot copy beside the store is, if there is one.
    fn hot(&self) -> Option<Hot> {
        None
    }
    /// Whether there is room to write. A store that is short of it has given free what it had kept for this case, and
    /// takes it back by itself when there is room again. One that keeps nothing always says that there is enough.
    fn room(&self) -> Room {
        Room::Enough
    }
    /// Where the checkpoint of a job is, as of the last time the job was read here.
    fn saved_in(&self, _job: JobId) -> Vec<&'static str> {
        vec![self.kind()]
    }

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
    /// The same without the rows: `packed` is empty.
    async fn chunk_facts(&self, input: InputId, no: SpanNo) -> Result<Option<(Chunk, Duplicates)>> {
        let without_rows = |(chunk, duplicates)| (Chunk { packed: Vec::new(), ..chunk }, duplicates);
        Ok(self.chunk(input, no).await?.map(without_rows))
    }
    /// How many rows of the chunks after this one repeat an earlier row of the file; of all with `None`.
    /// They cost no call, so what is left is not counted by them. Reads no row.
    async fn repeats(&self, input: InputId, after: Option<SpanNo>) -> Result<u64>;
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
    /// Jobs, newest first: those next to `query.before` (exclusive), or those next to `query.after`
    /// (exclusive) on its other side.
    async fn jobs(&self, query: &JobQuery) -> Result<Vec<Job>>;
    /// The newest job over these input bytes, with one recipe or with any.
    async fn find_job(&self, sought: &Sought) -> Result<Option<JobId>>;
    /// Takes a step that [`crate::state::step`] allows: state, epoch + 1, spans fenced, timeline
    /// event, all at once. Of concurrent callers exactly one succeeds; the others get
    /// [`StoreError::Illegal`] with the job they lost to.
    async fn command(&self, command: &Command) -> Result<Job>;
    /// Moves failed rows to history and opens them again under a new generation, then runs the job.
    /// [`StoreError::NothingToRetry`] when no row matches. Answers how many rows were opened.
    async fn retry(&self, retry: &Retry) -> Result<(u64, Job)>;
    /// Puts another input under a job that stands still ([`crate::state::attached`]): outcomes, history and
    /// creators go along to where their rows now stand, what is open is done again, and a completed job
    /// with open rows is queued. Records of rows that are gone go to the history ([`GONE_FROM`]). Refused
    /// with [`StoreError::Fenced`] when the job has changed since `attach.epoch`.
    async fn attach(&self, attach: &Attach) -> Result<Job>;
    /// Changes name and live limits, as [`Tuning::with`] does; `None` leaves as it is.
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

    /// The rows of a job in doubt that have no outcome, in row order, after `after` (exclusive).
    async fn doubts(&self, job: JobId, after: Option<RowIndex>, limit: usize) -> Result<Vec<Doubt>>;
    /// Notes what a person says about rows in doubt, and puts it on the timeline; whoever claims their span
    /// next acts on it. Only rows that wait for a person ([`crate::doubt::Stand::Held`]) are taken; answers how many.
    async fn settle(&self, settle: &Settle) -> Result<u64>;

    // --- work -------------------------------------------------------------------------------

    /// Queued or running jobs that have a span nobody holds and in which more is left than rows that wait
    /// for a person, oldest first.
    async fn claimable(&self, limit: usize) -> Result<Vec<JobId>>;
    /// Takes the job's first such span, under the next epoch; starts a queued job.
    /// `None` when there is none, and while a job that one worker at a time may work on
    /// ([`Tuning::is_alone`]) has a span that is held. Before a call for a row goes out, this must have answered (G3).
    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>>;
    /// Records outcomes, adds creators, moves the checkpoint and the lease: one fenced transaction.
    /// A row that has an outcome already is left as it is and not counted. A creator that is in its
    /// table already turns `added` into `skipped: already-there`. When the last span of the job is
    /// full the job is completed in the same transaction.
    async fn commit(&self, commit: Commit) -> Result<Committed>;
    /// The truth about a span one holds, read on a new connection after an unknown commit.
    async fn reread(&self, job: JobId, span: SpanNo, epoch: Epoch) -> Result<Claimed>;
    /// The spans of a job that a worker holds, with the epoch of each, read on a new connection after a claim that
    /// was not answered. One that is still under way has ended before this answers.
    async fn held_by(&self, job: JobId, worker: &WorkerId) -> Result<Vec<(SpanNo, Epoch)>> {
        Ok(self.glance(job, worker).await?.map(|glance| glance.held).unwrap_or_default())
    }
    /// What a worker has to know of a job while it works on it, read as of one moment; `None` when there is no such
    /// job. Each worker asks every second, so a store answers it with less than [`Store::job`] where it can.
    async fn glance(&self, job: JobId, worker: &WorkerId) -> Result<Option<Glance>> {
        Ok(self.job(job).await?.map(|job| Glance::of(&job, worker)))
    }
    /// Gives a span back; it can be claimed at once.
    async fn release(&self, job: JobId, span: SpanNo, epoch: Epoch) -> Result<()>;
    /// Gives back every span whose lease has lapsed, and puts the rows in doubt that may have been called
    /// ([`crate::doubt`]), as every command does that takes spans from their holders. Answers what was given back.
    async fn rescue(&self, now: UnixMs) -> Result<Vec<Rescued>>;
    /// Gives back every span and every delivery whatever its lease: only for a process that knows it is alone.
    async fn release_all(&self, now: UnixMs) -> Result<Vec<Rescued>>;
    /// Gives back every span and every delivery of one worker whatever its lease: only for whoever knows that its process
    /// has ended. Should it live all the same, it is fenced.
    async fn release_of(&self, worker: &WorkerId, now: UnixMs) -> Result<Vec<Rescued>>;

    // --- the fleet --------------------------------------------------------------------------

    /// A sign of life of a worker; the first one registers it. It is written when the last one that
    /// was is [`BEAT_WRITTEN_MS`] old, so it may be given often.
    async fn beat(&self, beat: &Beat) -> Result<Presence>;
    /// Ends a registration: the worker has stopped by itself.
    async fn leave(&self, worker: &WorkerId) -> Result<()>;
    /// The workers heard of within [`FORGOTTEN_MS`], by id.
    async fn workers(&self, now: UnixMs) -> Result<Vec<Worker>>;
    /// Asks a worker to hand back what it holds and take no more; `false` when there is none of this id.
    async fn drain(&self, worker: &WorkerId) -> Result<bool>;
    /// Takes turns under a job's rate for one worker, as [`crate::turns::take`] says.
    async fn turns(&self, asked: &TurnsAsked) -> Result<Turns>;

    // --- reading ----------------------------------------------------------------------------

    /// Ledger records in row order, after `query.after` (exclusive).
    async fn rows(&self, query: &RowQuery) -> Result<Vec<LedgerRow>>;
    /// Failed, skipped and filtered rows grouped by outcome, code and message, most first. At most
    /// so many groups.
    async fn groups(&self, job: JobId, outcome: Outcome, limit: usize) -> Result<Vec<Group>>;
    /// The spans of a job in row order, with their counters. Reads no record of the ledger.
    async fn spans(&self, job: JobId) -> Result<Vec<SpanFact>>;
    /// The next of those spans that hold rows of an outcome: where a search looks. Asked again and again in jobs of
    /// any size, so a store answers it without reading all spans where it can.
    async fn spans_with(&self, query: &SpanQuery) -> Result<Vec<SpanFact>> {
        Ok(query.of(&self.spans(query.job).await?))
    }
    /// Of the rows 0, `every`, 2 x `every`, … those that have an outcome, in row order: so many single
    /// reads, whatever the size of the job. `every` is at least 1.
    async fn marks(&self, job: JobId, every: u32) -> Result<Vec<Mark>>;
    /// What the target of a job has answered, by minute and status.
    async fn heard(&self, job: JobId) -> Result<Vec<Heard>>;
    /// Adds to that; minutes that are [`HEARD_MINUTES`] older than the newest of these are forgotten.
    async fn hear(&self, job: JobId, heard: &[Heard]) -> Result<()>;
    /// What a row ended with before it was opened again, oldest first.
    async fn history(&self, job: JobId, row: RowIndex) -> Result<Vec<LedgerRow>>;
    /// Compares counters, checkpoint, ledger, creators and input, and says what differs.
    async fn verify(&self, job: JobId) -> Result<Verify>;
    /// Records a fact on the timeline.
    async fn record(&self, event: NewEvent) -> Result<Event>;
    /// Events after `seq`, of one job or of all, oldest first.
    async fn events(&self, job: Option<JobId>, after: u64, limit: usize) -> Result<Vec<Event>>;
    /// The number of the last event; 0 when there is none. Cheap: it reads one entry of an index.
    async fn last_event(&self) -> Result<u64>;
    /// A number that is another one after any change by anybody. Cheap: the feed asks ten times a second.
    async fn version(&self) -> Result<u64>;
    /// How many jobs are in the states that a person acts on. Cheap: only those are counted.
    async fn totals(&self) -> Result<Totals>;
    /// Figures over all jobs, for which all of them are read; those active since `today_from` with their spans.
    async fn sums(&self, today_from: UnixMs) -> Result<Sums>;
    /// Creators that were added, in order of their key after `after`.
    async fn creators(&self, query: &CreatorQuery) -> Result<Vec<Creator>>;

    // --- moving -----------------------------------------------------------------------------

    /// Records that retries took out of the ledger, by row and generation, after `after` (exclusive).
    async fn history_page(
        &self,
        _job: JobId,
        _after: Option<(RowIndex, u32)>,
        _limit: usize,
    ) -> Result<Vec<LedgerRow>> {
        Err(StoreError::Unavailable(format!("jobs of a {} store cannot be moved yet", self.kind())))
    }
    /// Takes in a part of a job that comes from another store.
    async fn take_in(&self, _part: Moving) -> Result<()> {
        Err(StoreError::Unavailable(format!("jobs cannot be moved to a {} store yet", self.kind())))
    }

    // --- answers to repeat ------------------------------------------------------------------

    /// Reserves an idempotency key for a request. Keys older than a day are forgotten.
    async fn reserve(&self, key: &str, fingerprint: &str, now: UnixMs) -> Result<Reservation>;
    /// Keeps the answer under the key; `None` frees the key (the request had no effect).
    async fn keep_answer(&self, key: &str, answer: Option<(u16, String)>) -> Result<()>;

    // --- health -----------------------------------------------------------------------------

    /// Writes and deletes something, so that a full or read-only disk shows.
    async fn ping(&self) -> Result<()>;
    /// What is stored, in bytes, by part: a word for people and its size.
    async fn sizes(&self) -> Result<Vec<(String, u64)>>;
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

impl StoreError {
    /// Whether it ends by itself and says nothing about what was asked: the store did not answer, or had no room.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Unknown(_) | Self::DiskFull => true,
            Self::NotFound(_)
            | Self::Fenced { .. }
            | Self::Illegal(_)
            | Self::Duplicate(_)
            | Self::NothingToRetry
            | Self::InputGone
            | Self::Corrupt(_) => false,
        }
    }
}
