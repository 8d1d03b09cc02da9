//! The model of the store as the simulator sees it: synchronous, and with the planted bugs.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use onward_core::clock::UnixMs;
use onward_core::doubt::{Doubt, Stand, waits_for_a_person};
use onward_core::id::{Epoch, InputId, JobId, RowIndex, SpanNo};
use onward_core::input::{Chunk, Duplicates, FileFormat, InputSummary, spans};
use onward_core::job::{Go, Job, Pause, Tuning};
use onward_core::row::Outcome;
use onward_core::state::Step;
use onward_core::store::{
    Claim, Claimed, Command, Commit, Committed, LedgerRow, NewJob, RowQuery, Settle, Store, StoreError,
    Verify,
};
use onward_store::conformance::Damage;
use onward_store::memory::MemoryStore;
use uuid::Uuid;

use crate::bugs::Bug;

/// SHA-256 of no bytes: the simulator's chunks are empty, its rows have no fields.
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The store, and what is known from outside about what it has acknowledged.
pub(crate) struct SimStore {
    inner: MemoryStore,
    bug: Bug,
    pub(crate) job: JobId,
    /// Rows whose outcome was committed.
    pub(crate) durable: BTreeSet<RowIndex>,
    /// The mark of each claim: rows before it may be called.
    marks: BTreeMap<(SpanNo, Epoch), RowIndex>,
}

/// The model answers at once; nothing in it ever waits.
fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the in-memory store never waits"),
    }
}

impl SimStore {
    pub(crate) fn new(rows: u64, seed: u64, bug: Bug, recipe: &str, now: UnixMs) -> Self {
        let inner = MemoryStore::new();
        let input = InputId(Uuid::from_u64_pair(1, seed));
        for (no, first, rows) in spans(rows) {
            let chunk = Chunk { no, first, rows, digest: NOTHING.to_owned(), packed: Vec::new() };
            now_or_never(inner.put_chunk(input, chunk)).expect("the model takes a chunk");
        }
        let summary = InputSummary {
            id: input,
            filename: "creators.csv".to_owned(),
            sha256: format!("{seed}"),
            bytes: 1,
            rows,
            blank_lines: 0,
            columns: vec!["handle".to_owned()],
            format: FileFormat { encoding: "UTF-8".to_owned(), delimiter: ',', header: true },
            warnings: Vec::new(),
            decided: Vec::new(),
            compared: None,
        };
        now_or_never(inner.seal_input(&summary, &Duplicates::default(), now)).expect("the model seals");
        let id = JobId(Uuid::from_u64_pair(2, seed));
        let job = NewJob {
            id,
            name: "creators.csv".to_owned(),
            input,
            recipe: recipe.into(),
            work_digest: format!("{seed}"),
            first: None,
            actor: "sim".to_owned(),
            now,
        };
        now_or_never(inner.create_job(job)).expect("the model creates a job");
        Self { inner, bug, job: id, durable: BTreeSet::new(), marks: BTreeMap::new() }
    }

    pub(crate) fn job(&self) -> Job {
        now_or_never(self.inner.job(self.job)).expect("the model answers").expect("the job is there")
    }

    pub(crate) fn verify(&self) -> Verify {
        now_or_never(self.inner.verify(self.job)).expect("the model answers")
    }

    pub(crate) fn has_work(&self) -> bool {
        !now_or_never(self.inner.claimable(1)).expect("the model answers").is_empty()
    }

    pub(crate) fn rescue(&self, now: UnixMs) -> usize {
        now_or_never(self.inner.rescue(now)).expect("the model answers").len()
    }

    pub(crate) fn restart(&self, now: UnixMs) -> Result<Job, StoreError> {
        self.step(Step::Restart, None, Go::Fully, now)
    }

    pub(crate) fn hold(&self, pause: Pause, now: UnixMs) -> Result<Job, StoreError> {
        self.step(Step::Pause, Some(pause), Go::Fully, now)
    }

    /// Goes on by itself with one row when a held job's time has come.
    pub(crate) fn probe_if_due(&self, now: UnixMs) {
        let due = self.job().pause.and_then(|pause| pause.probe_at).is_some_and(|at| at <= now);
        if due {
            self.step(Step::Resume, None, Go::Probe, now).expect("a held job can be resumed");
        }
    }

    /// Holds the job when nothing is left but rows that wait for a person.
    pub(crate) fn wait_if_all_is_held(&self, now: UnixMs) {
        if let Some(pause) = waits_for_a_person(&self.job(), &self.doubts()) {
            self.hold(pause, now).expect("a running job can be held");
        }
    }

    pub(crate) fn doubts(&self) -> Vec<Doubt> {
        now_or_never(self.inner.doubts(self.job, None, usize::MAX)).expect("the model answers")
    }

    /// A person says what is so, and lets the job go on.
    pub(crate) fn settle(&self, rows: Vec<RowIndex>, stand: Stand, now: UnixMs) {
        let settle = Settle { job: self.job, rows, stand, actor: "you".to_owned(), now };
        now_or_never(self.inner.settle(&settle)).expect("the model answers");
    }

    pub(crate) fn resume(&self, now: UnixMs) {
        self.step(Step::Resume, None, Go::Fully, now).expect("a held job can be resumed");
    }

    pub(crate) fn recovered(&self, now: UnixMs) {
        let changes = Tuning { probes: Some(0), ..Tuning::default() };
        now_or_never(self.inner.tune(self.job, None, Some(changes), "breaker", now)).expect("it is noted");
    }

    fn step(&self, step: Step, pause: Option<Pause>, go: Go, now: UnixMs) -> Result<Job, StoreError> {
        let (epoch, error, actor) = (None, None, "sim".to_owned());
        let command = Command { job: self.job, step, epoch, actor, now, pause, error, go };
        now_or_never(self.inner.command(&command))
    }

    /// Every failed record.
    pub(crate) fn failed(&self) -> Vec<LedgerRow> {
        let (job, outcome) = (self.job, Some(Outcome::Failed));
        let (code, text, after, until, limit) = (None, None, None, None, usize::MAX);
        let query = RowQuery { job, outcome, code, text, after, until, limit };
        now_or_never(self.inner.rows(&query)).expect("the model answers")
    }

    pub(crate) fn claim(&mut self, claim: &Claim) -> Result<Option<Claimed>, StoreError> {
        let claimed = now_or_never(self.inner.claim(claim))?;
        if let Some(claimed) = &claimed {
            self.marks.insert((claimed.span, claimed.epoch), claimed.claimed_until);
        }
        Ok(claimed)
    }

    pub(crate) fn commit(&mut self, mut commit: Commit) -> Result<Committed, StoreError> {
        if self.bug == Bug::NoFence {
            let job = self.job();
            let current = job.leases.iter().find(|fact| fact.span == commit.span);
            commit.epoch = current.map_or(commit.epoch, |fact| fact.epoch);
        }
        if self.bug == Bug::RestForgotten {
            commit.rests_until = None;
        }
        let (claim, mark) = ((commit.span, commit.epoch), commit.claimed_until);
        let rows: Vec<RowIndex> = commit.rows.iter().map(|record| record.index).collect();
        assert!(rows.is_sorted(), "{rows:?}");
        let sent = commit.rows.len() as u32;
        let committed = now_or_never(self.inner.commit(commit))?;
        if self.bug == Bug::TallyFromBatch {
            for _ in committed.inserted..sent {
                self.inner.plant(self.job, Damage::CounterRaised);
            }
        }
        self.durable.extend(rows);
        let known = self.marks.entry(claim).or_insert(mark);
        *known = mark.max(*known);
        Ok(committed)
    }

    pub(crate) fn reread(&self, span: SpanNo, epoch: Epoch) -> Result<Claimed, StoreError> {
        now_or_never(self.inner.reread(self.job, span, epoch))
    }

    pub(crate) fn release(&self, span: SpanNo, epoch: Epoch) -> Result<(), StoreError> {
        now_or_never(self.inner.release(self.job, span, epoch))
    }

    /// Whether a call for the row may go out: it is claimed, durably (G3).
    pub(crate) fn may_be_called(&self, span: SpanNo, epoch: Epoch, row: RowIndex) -> bool {
        self.marks.get(&(span, epoch)).is_some_and(|mark| row < *mark)
    }
}
