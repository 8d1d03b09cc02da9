//! What the cases are made of: inputs, jobs, records, and a worker's hand on a span.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use onward_core::checkpoint::DoneSet;
use onward_core::clock::UnixMs;
use onward_core::doubt::Trial;
use onward_core::hex::hex;
use onward_core::id::{InputId, JobId, RowIndex, SpanNo, WorkerId};
use onward_core::input::{Chunk, Duplicates, FileFormat, InputSummary, spans};
use onward_core::job::{Go, Job, JobError, Pause};
use onward_core::row::{NewCreator, Outcome, RowRecord, Verdict};
use onward_core::state::{PauseReason, Step};
use onward_core::store::{
    Claim, Claimed, Command, Commit, Committed, LedgerRow, NewJob, Result, RowQuery, Store,
};
use onward_core::tally::Tally;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The moment at which every case begins.
pub const T0: UnixMs = UnixMs(1_800_000_000_000);

/// So many seconds after the beginning.
#[must_use]
pub fn at(seconds: u64) -> UnixMs {
    T0.plus_ms(seconds * 1_000)
}

/// An id that sorts after all that were given before.
#[must_use]
pub fn new_uuid() -> Uuid {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    let [.., a, b, c, d] = number.to_be_bytes();
    let ms = u64::try_from(T0.0).expect("the cases play after 1970");
    uuid::Builder::from_unix_timestamp_millis(ms + number, &[a, b, c, d, 1, 2, 3, 4, 5, 6]).into_uuid()
}

/// A chunk of arbitrary bytes with the right digest.
#[must_use]
pub fn chunk(no: SpanNo, first: RowIndex, rows: u32) -> Chunk {
    let packed = format!("rows from {} on", first.0).into_bytes();
    let digest = hex(&Sha256::digest(&packed));
    Chunk { no, first, rows, digest, packed }
}

/// The facts of an input.
#[must_use]
pub fn summary(id: InputId, rows: u64) -> InputSummary {
    InputSummary {
        id,
        filename: String::from("creators.csv"),
        sha256: format!("{:064x}", id.0.as_u128()),
        bytes: rows * 20,
        rows,
        blank_lines: 0,
        columns: vec![String::from("handle")],
        format: FileFormat { encoding: String::from("UTF-8"), delimiter: ',', header: true },
        warnings: Vec::new(),
        decided: Vec::new(),
        compared: None,
    }
}

/// Stores and seals an input with so many rows.
pub async fn sealed(store: &Arc<dyn Store>, rows: u64) -> InputSummary {
    let facts = summary(InputId(new_uuid()), rows);
    for (no, first, len) in spans(rows) {
        store.put_chunk(facts.id, chunk(no, first, len)).await.expect("a chunk is stored");
    }
    store.seal_input(&facts, &Duplicates::default(), T0).await.expect("the input is sealed");
    facts
}

/// A job to be created over an input; no other job does the same work.
#[must_use]
pub fn new_job(input: InputId) -> NewJob {
    let id = JobId(new_uuid());
    NewJob {
        id,
        name: String::from("creators.csv"),
        input,
        recipe: Arc::from("{\"work\":{\"kind\":\"creators\"}}"),
        work_digest: format!("work of {id}"),
        first: None,
        actor: String::from("you"),
        now: T0,
    }
}

/// A queued job with so many rows.
pub async fn job(store: &Arc<dyn Store>, rows: u64) -> JobId {
    let input = sealed(store, rows).await;
    store.create_job(new_job(input.id)).await.expect("the job is created").id
}

/// The same with a recipe of its own.
pub async fn job_with(store: &Arc<dyn Store>, rows: u64, recipe: &str) -> JobId {
    let input = sealed(store, rows).await;
    let job = NewJob { recipe: Arc::from(recipe), ..new_job(input.id) };
    store.create_job(job).await.expect("the job is created").id
}

/// The job as it stands.
pub async fn look(store: &Arc<dyn Store>, id: JobId) -> Job {
    store.job(id).await.expect("the store answers").expect("the job is there")
}

/// A record that ended like this.
#[must_use]
pub fn record(row: u32, outcome: Outcome) -> RowRecord {
    let verdict = match outcome {
        Outcome::Added => Verdict::added(),
        Outcome::Failed => Verdict::new(outcome, "not-found", "there is no such creator"),
        Outcome::Skipped => Verdict::new(outcome, "duplicate", "the same as an earlier row"),
        Outcome::Filtered => Verdict::new(outcome, "filtered", "the filter said no"),
    };
    RowRecord {
        index: RowIndex(row),
        key: format!("creator{row}").into(),
        verdict,
        tries: 1,
        duration_ms: 150,
        finished_at: at(1),
    }
}

/// A record that adds a creator under this key.
#[must_use]
pub fn adding(row: u32, key: &str) -> RowRecord {
    let mut record = record(row, Outcome::Added);
    let data = format!("{{\"handle\":\"{key}\"}}").into();
    record.verdict.creator = Some(NewCreator { table: Arc::from("creators"), key: key.into(), data });
    record
}

/// A command without an expected epoch.
#[must_use]
pub fn command(job: JobId, step: Step, now: UnixMs) -> Command {
    let pause = Pause { reason: PauseReason::User, message: String::from("held"), probe_at: None };
    let error = JobError { code: String::from("upstream-down"), message: String::from("it is down") };
    Command {
        job,
        step,
        epoch: None,
        actor: String::from("you"),
        now,
        pause: (step == Step::Pause).then_some(pause),
        error: (step == Step::Fail).then_some(error),
        go: Go::default(),
    }
}

/// All ledger records of a job.
pub async fn ledger(store: &Arc<dyn Store>, job: JobId) -> Vec<LedgerRow> {
    store.rows(&all_rows(job)).await.expect("the ledger can be read")
}

/// The query for all records of a job.
#[must_use]
pub fn all_rows(job: JobId) -> RowQuery {
    RowQuery { job, outcome: None, code: None, text: None, after: None, until: None, limit: 1_000_000 }
}

/// The law of every moment: counters equal the ledger, and `verify` has nothing to say (G7).
pub async fn assert_sums(store: &Arc<dyn Store>, id: JobId) {
    let job = look(store, id).await;
    let mut counted = Tally::default();
    for row in ledger(store, id).await {
        counted.count(row.outcome);
    }
    assert_eq!(job.tally, counted, "the counters are not what the ledger says");
    let found = store.verify(id).await.expect("the job can be verified");
    assert_eq!(found.problems, Vec::<String>::new());
    assert_eq!((found.ledger, found.counters, found.rows), (counted, counted, job.total));
}

/// Everything that is still open is claimed and added; the job ends.
pub async fn run_to_end(store: &Arc<dyn Store>, job: JobId, now: UnixMs) {
    while let Some(claimed) = store.claim(&claim(job, "w", now)).await.expect("the store answers") {
        let mut hand = Hand::of(store, job, claimed);
        let open: Vec<u32> = hand.open().collect();
        hand.finish(open, Outcome::Added, now).await.expect("the holder may write");
    }
}

/// A wish for a span, with a window larger than any span.
#[must_use]
pub fn claim(job: JobId, worker: &str, now: UnixMs) -> Claim {
    Claim { job, worker: WorkerId(worker.to_owned()), window: 10_000, now }
}

/// A worker's hand on a span: what it was given and what it believes is done.
#[derive(Clone)]
pub struct Hand {
    store: Arc<dyn Store>,
    /// Of which job.
    pub job: JobId,
    /// What it was given.
    pub claimed: Claimed,
    done: DoneSet,
}

impl Hand {
    /// The hand of who got this claim.
    #[must_use]
    pub fn of(store: &Arc<dyn Store>, job: JobId, claimed: Claimed) -> Self {
        Self { store: store.clone(), job, done: claimed.done.clone(), claimed }
    }

    /// Claims the next span; there must be one.
    pub async fn take(store: &Arc<dyn Store>, job: JobId, worker: &str, now: UnixMs) -> Self {
        let claimed = store.claim(&claim(job, worker, now)).await.expect("the store answers");
        Self::of(store, job, claimed.expect("a span is free"))
    }

    /// The rows of the span that have no outcome yet.
    pub fn open(&self) -> impl Iterator<Item = u32> {
        (self.done.first().0..self.done.end().0).filter(|row| !self.done.contains(RowIndex(*row)))
    }

    /// A commit of these records, as the run loop makes it.
    pub fn commit(&mut self, rows: Vec<RowRecord>, now: UnixMs) -> Commit {
        for row in &rows {
            self.done.insert(row.index);
        }
        Commit {
            job: self.job,
            span: self.claimed.span,
            epoch: self.claimed.epoch,
            rows: Arc::new(rows),
            low_water: self.done.low_water(),
            claimed_until: self.claimed.claimed_until,
            waiting: None,
            rests_until: None,
            trial: Trial::AsBefore,
            now,
        }
    }

    /// Commits these rows, all with one outcome.
    pub async fn finish(
        &mut self,
        rows: impl IntoIterator<Item = u32>,
        outcome: Outcome,
        now: UnixMs,
    ) -> Result<Committed> {
        let rows = rows.into_iter().map(|row| record(row, outcome)).collect();
        self.write(rows, now).await
    }

    /// Commits these records.
    pub async fn write(&mut self, rows: Vec<RowRecord>, now: UnixMs) -> Result<Committed> {
        let commit = self.commit(rows, now);
        self.store.commit(commit).await
    }

    /// Gives the span back.
    pub async fn release(&self) -> Result<()> {
        self.store.release(self.job, self.claimed.span, self.claimed.epoch).await
    }
}
