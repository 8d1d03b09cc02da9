//! A store with one bug planted in front of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use onward_core::clock::UnixMs;
use onward_core::doubt::Doubt;
use onward_core::event::{Event, EventKind, NewEvent};
use onward_core::id::{Epoch, InputId, JobId, RowIndex, SpanNo, WorkerId};
use onward_core::input::{Chunk, Duplicates, InputSummary};
use onward_core::job::{Job, Tuning};
use onward_core::row::Outcome;
use onward_core::state::Step;
use onward_core::store::{
    Attach, Beat, Claim, Claimed, Command, Commit, Committed, Creator, CreatorQuery, Group, Heard, JobQuery,
    LedgerRow, Mark, Moving, NewJob, Presence, Rescued, Reservation, Result, Retry, RowQuery, Settle, Sought,
    SpanFact, SpanQuery, Store, StoreError, Sums, Totals, Turns, TurnsAsked, Verify, Worker,
};

use crate::conformance::build::{all_rows, claim, new_uuid};

/// What is wrong with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bug {
    /// Nothing.
    None,
    /// A commit under an old epoch is written under the present one.
    NoFence,
    /// A refused commit is answered as if it had been written.
    CommitErrorIgnored,
    /// The counters grow by what was sent.
    TallyFromBatch,
    /// The checkpoint says how many rows are done.
    CheckpointAsCount,
    /// The checkpoint says which row is the highest done.
    HighestFinished,
    /// What was once read of a job is answered until its state changes.
    CacheTrusted,
    /// A resume of a running job is answered as a success.
    EveryResumeWins,
    /// The epoch a command expects is not looked at.
    EpochNotCompared,
    /// The last claim is handed out again.
    SpanTwice,
    /// A claim reaches to the end of the span, whatever its window.
    NoWindow,
    /// Every span is rescued, whatever its lease.
    RescuesTheLiving,
    /// A retry does not open a new generation.
    SameGeneration,
    /// Equal work is not noticed.
    SameWorkTwice,
    /// A pause leaves no line on the timeline.
    EventLost,
    /// Verify says that all is well.
    VerifyBlind,
    /// A commit claims all of its span, whatever it was told.
    CommitClaimsAll,
    /// A worker that is to be drained does not hear of it.
    DrainForgotten,
    /// Each worker keeps the rate for itself alone.
    RateOfEachWorker,
    /// What a row was before its retry is forgotten.
    HistoryLost,
    /// Whoever claims a span is not told which of its rows may have been called.
    DoubtsForgotten,
    /// What one sender was given another is given as well.
    DeliveryTakenTwice,
    /// The word of a sender that no longer has the delivery is taken.
    OldSenderBelieved,
    /// Nobody is told that a job is held.
    PauseNotDelivered,
    /// A standstill is told although the job has moved on since it was seen.
    StandstillToldLate,
}

pub(super) struct Planted {
    pub(super) inner: Arc<dyn Store>,
    pub(super) bug: Bug,
    /// Rows that were sent and not inserted, by job.
    overcounted: Mutex<BTreeMap<JobId, u64>>,
    seen: Mutex<BTreeMap<JobId, Job>>,
    last_claim: Mutex<BTreeMap<JobId, Claimed>>,
    /// One claim at a time, so that each knows the one before it.
    claiming: tokio::sync::Mutex<()>,
}

impl Planted {
    pub(super) fn over(inner: Arc<dyn Store>, bug: Bug) -> Self {
        Self {
            inner,
            bug,
            overcounted: Mutex::default(),
            seen: Mutex::default(),
            last_claim: Mutex::default(),
            claiming: tokio::sync::Mutex::default(),
        }
    }

    /// A job as the bug shows it.
    async fn shown(&self, mut job: Job) -> Result<Job> {
        if self.bug == Bug::TallyFromBatch {
            job.tally.added += *locked(&self.overcounted).entry(job.id).or_default();
        } else if self.bug == Bug::CheckpointAsCount {
            job.checkpoint.low_water = job.tally.processed();
        } else if self.bug == Bug::HighestFinished {
            let rows = self.inner.rows(&all_rows(job.id)).await?;
            job.checkpoint.low_water = rows.last().map_or(0, |row| row.index.row());
        } else if self.bug == Bug::CacheTrusted {
            let mut seen = locked(&self.seen);
            let cached = seen.entry(job.id).or_insert_with(|| job.clone()).clone();
            job = Job { state: job.state, epoch: job.epoch, ..cached };
        } else if self.bug == Bug::SameGeneration {
            job.generation = 0;
        }
        Ok(job)
    }

    /// Finds, or takes, the epoch under which the span would be written now.
    async fn present_epoch(&self, commit: &Commit) -> Result<Epoch> {
        let job = self.inner.job(commit.job).await?.ok_or(StoreError::NotFound(commit.job))?;
        if let Some(fact) = job.leases.iter().find(|fact| fact.span == commit.span) {
            return Ok(fact.epoch);
        }
        let claimed = self.inner.claim(&claim(commit.job, "thief", commit.now)).await?;
        Ok(claimed.map_or(commit.epoch, |claimed| claimed.epoch))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Store for Planted {
    fn kind(&self) -> &'static str {
        "planted"
    }

    async fn create_job(&self, mut job: NewJob) -> Result<Job> {
        if self.bug == Bug::SameWorkTwice {
            job.work_digest = new_uuid().to_string();
        }
        self.inner.create_job(job).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>> {
        match self.inner.job(id).await? {
            Some(job) => self.shown(job).await.map(Some),
            None => Ok(None),
        }
    }

    async fn command(&self, command: &Command) -> Result<Job> {
        let epoch = command.epoch.filter(|_| self.bug != Bug::EpochNotCompared);
        let answer = match self.inner.command(&Command { epoch, ..command.clone() }).await {
            Err(StoreError::Illegal(job)) if self.bug == Bug::EveryResumeWins => {
                if command.step == Step::Resume { Ok(*job) } else { Err(StoreError::Illegal(job)) }
            }
            answer => answer,
        };
        self.shown(answer?).await
    }

    async fn retry(&self, retry: &Retry) -> Result<(u64, Job)> {
        let (count, job) = self.inner.retry(retry).await?;
        Ok((count, self.shown(job).await?))
    }

    async fn attach(&self, attach: &Attach) -> Result<Job> {
        let job = self.inner.attach(attach).await?;
        self.shown(job).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>> {
        let _one = self.claiming.lock().await;
        if self.bug == Bug::SpanTwice
            && let Some(last) = locked(&self.last_claim).get(&claim.job)
        {
            return Ok(Some(last.clone()));
        }
        let mut claimed = self.inner.claim(claim).await?;
        if let Some(claimed) = &mut claimed {
            locked(&self.last_claim).insert(claim.job, claimed.clone());
            if self.bug == Bug::DoubtsForgotten {
                claimed.doubts.clear();
            }
            if self.bug == Bug::NoWindow {
                claimed.claimed_until = claimed.done.end();
            }
        }
        Ok(claimed)
    }

    async fn commit(&self, mut commit: Commit) -> Result<Committed> {
        if self.bug == Bug::NoFence {
            commit.epoch = self.present_epoch(&commit).await?;
        }
        if self.bug == Bug::CommitClaimsAll {
            commit.claimed_until = RowIndex(u32::MAX);
        }
        let (job, sent) = (commit.job, commit.rows.len() as u64);
        match self.inner.commit(commit).await {
            Ok(done) => {
                *locked(&self.overcounted).entry(job).or_default() += sent - u64::from(done.inserted);
                Ok(done)
            }
            Err(StoreError::Fenced { .. }) if self.bug == Bug::CommitErrorIgnored => {
                Ok(Committed { inserted: 0, tally: Default::default(), span_done: false, job_done: false })
            }
            Err(error) => Err(error),
        }
    }

    async fn rescue(&self, now: UnixMs) -> Result<Vec<Rescued>> {
        if self.bug == Bug::RescuesTheLiving {
            return self.inner.release_all(now).await;
        }
        self.inner.rescue(now).await
    }

    async fn verify(&self, job: JobId) -> Result<Verify> {
        let mut found = self.inner.verify(job).await?;
        if self.bug == Bug::VerifyBlind {
            found.problems.clear();
        }
        Ok(found)
    }

    async fn events(&self, job: Option<JobId>, after: u64, limit: usize) -> Result<Vec<Event>> {
        let mut events = self.inner.events(job, after, limit).await?;
        if self.bug == Bug::EventLost {
            events.retain(|event| event.kind != EventKind::Paused);
        }
        Ok(events)
    }

    // --- the rest is sound --------------------------------------------------------------------

    async fn put_chunk(&self, input: InputId, chunk: Chunk) -> Result<()> {
        self.inner.put_chunk(input, chunk).await
    }
    async fn seal_input(&self, summary: &InputSummary, duplicates: &Duplicates, now: UnixMs) -> Result<()> {
        self.inner.seal_input(summary, duplicates, now).await
    }
    async fn input(&self, input: InputId) -> Result<Option<InputSummary>> {
        self.inner.input(input).await
    }
    async fn chunk(&self, input: InputId, no: SpanNo) -> Result<Option<(Chunk, Duplicates)>> {
        self.inner.chunk(input, no).await
    }
    async fn sweep_inputs(&self, before: UnixMs) -> Result<u64> {
        self.inner.sweep_inputs(before).await
    }
    async fn drop_input(&self, input: InputId) -> Result<()> {
        self.inner.drop_input(input).await
    }
    async fn jobs(&self, query: &JobQuery) -> Result<Vec<Job>> {
        self.inner.jobs(query).await
    }
    async fn find_job(&self, sought: &Sought) -> Result<Option<JobId>> {
        self.inner.find_job(sought).await
    }
    async fn tune(
        &self,
        id: JobId,
        name: Option<&str>,
        tuning: Option<Tuning>,
        actor: &str,
        now: UnixMs,
    ) -> Result<Job> {
        self.inner.tune(id, name, tuning, actor, now).await
    }
    async fn delete_job(&self, id: JobId) -> Result<()> {
        self.inner.delete_job(id).await
    }
    async fn doubts(&self, job: JobId, after: Option<RowIndex>, limit: usize) -> Result<Vec<Doubt>> {
        self.inner.doubts(job, after, limit).await
    }
    async fn settle(&self, settle: &Settle) -> Result<u64> {
        self.inner.settle(settle).await
    }
    async fn claimable(&self, limit: usize) -> Result<Vec<JobId>> {
        self.inner.claimable(limit).await
    }
    async fn reread(&self, job: JobId, span: SpanNo, epoch: Epoch) -> Result<Claimed> {
        self.inner.reread(job, span, epoch).await
    }
    async fn release(&self, job: JobId, span: SpanNo, epoch: Epoch) -> Result<()> {
        self.inner.release(job, span, epoch).await
    }
    async fn release_all(&self, now: UnixMs) -> Result<Vec<Rescued>> {
        self.inner.release_all(now).await
    }
    async fn release_of(&self, worker: &WorkerId, now: UnixMs) -> Result<Vec<Rescued>> {
        self.inner.release_of(worker, now).await
    }
    async fn rows(&self, query: &RowQuery) -> Result<Vec<LedgerRow>> {
        self.inner.rows(query).await
    }
    async fn groups(&self, job: JobId, outcome: Outcome, limit: usize) -> Result<Vec<Group>> {
        self.inner.groups(job, outcome, limit).await
    }
    async fn spans(&self, job: JobId) -> Result<Vec<SpanFact>> {
        self.inner.spans(job).await
    }
    async fn spans_with(&self, query: &SpanQuery) -> Result<Vec<SpanFact>> {
        self.inner.spans_with(query).await
    }
    async fn repeats(&self, input: InputId, after: Option<SpanNo>) -> Result<u64> {
        self.inner.repeats(input, after).await
    }
    async fn marks(&self, job: JobId, every: u32) -> Result<Vec<Mark>> {
        self.inner.marks(job, every).await
    }
    async fn history(&self, job: JobId, row: RowIndex) -> Result<Vec<LedgerRow>> {
        let records = self.inner.history(job, row).await?;
        Ok(if self.bug == Bug::HistoryLost { Vec::new() } else { records })
    }
    async fn heard(&self, job: JobId) -> Result<Vec<Heard>> {
        self.inner.heard(job).await
    }
    async fn hear(&self, job: JobId, heard: &[Heard]) -> Result<()> {
        self.inner.hear(job, heard).await
    }
    async fn record(&self, event: NewEvent) -> Result<Event> {
        self.inner.record(event).await
    }
    async fn last_event(&self) -> Result<u64> {
        self.inner.last_event().await
    }

    async fn version(&self) -> Result<u64> {
        self.inner.version().await
    }
    async fn totals(&self) -> Result<Totals> {
        self.inner.totals().await
    }

    async fn sums(&self, today_from: UnixMs) -> Result<Sums> {
        self.inner.sums(today_from).await
    }
    async fn creators(&self, query: &CreatorQuery) -> Result<Vec<Creator>> {
        self.inner.creators(query).await
    }
    async fn beat(&self, beat: &Beat) -> Result<Presence> {
        self.inner.beat(beat).await
    }
    async fn leave(&self, worker: &WorkerId) -> Result<()> {
        self.inner.leave(worker).await
    }
    async fn workers(&self, now: UnixMs) -> Result<Vec<Worker>> {
        self.inner.workers(now).await
    }
    async fn drain(&self, worker: &WorkerId) -> Result<bool> {
        let known = self.inner.drain(worker).await?;
        if known && self.bug == Bug::DrainForgotten {
            self.inner.leave(worker).await?;
        }
        Ok(known)
    }
    async fn turns(&self, asked: &TurnsAsked) -> Result<Turns> {
        let mut turns = self.inner.turns(asked).await?;
        if self.bug == Bug::RateOfEachWorker && asked.calls > 0 {
            turns = Turns { calls: asked.calls, wait_us: 0 };
        }
        Ok(turns)
    }
    async fn history_page(
        &self,
        job: JobId,
        after: Option<(RowIndex, u32)>,
        limit: usize,
    ) -> Result<Vec<LedgerRow>> {
        self.inner.history_page(job, after, limit).await
    }

    async fn take_in(&self, part: Moving) -> Result<()> {
        self.inner.take_in(part).await
    }

    async fn reserve(&self, key: &str, fingerprint: &str, now: UnixMs) -> Result<Reservation> {
        self.inner.reserve(key, fingerprint, now).await
    }
    async fn keep_answer(&self, key: &str, answer: Option<(u16, String)>) -> Result<()> {
        self.inner.keep_answer(key, answer).await
    }
    async fn ping(&self) -> Result<()> {
        self.inner.ping().await
    }
    async fn sizes(&self) -> Result<Vec<(String, u64)>> {
        self.inner.sizes().await
    }
}
