//! The in-memory store: the model of the contract, the oracle for the other stores, and the store of
//! the simulator.
//!
//! It is meant to be read. One lock over plain maps, every write checks first and changes after, so
//! a refused write has changed nothing. What can be derived is derived at every look (where a job
//! stands, which rows of a span are done); only the counters are kept, because `verify` must have
//! something to compare the ledger with. Nothing here is fast, and nothing survives the process.

mod answers;
mod attach;
mod claims;
mod commands;
mod commits;
mod doubts;
mod fleet;
mod inputs;
mod jobs;
mod moving;
mod outbox;
#[cfg(any(test, feature = "conformance"))]
mod plant;
mod reading;
mod rescue;
mod retry;
mod verify;
mod world;

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use onward_core::clock::UnixMs;
use onward_core::doubt::Doubt;
use onward_core::event::{Event, NewEvent};
use onward_core::id::{Epoch, InputId, JobId, RowIndex, SpanNo, WorkerId};
use onward_core::input::{Chunk, Duplicates, InputSummary};
use onward_core::job::{Job, Tuning};
use onward_core::row::Outcome;
use onward_core::store::{
    Attach, Beat, Claim, Claimed, Command, Commit, Committed, Creator, CreatorQuery, Group, HEARD_MINUTES,
    Heard, JobQuery, LedgerRow, Mark, Moving, NewJob, Presence, Rescued, Reservation, Result, Retry,
    RowQuery, Settle, Sought, SpanFact, Store, Sums, Totals, Turns, TurnsAsked, Verify, Worker,
};

use world::World;

/// A store that lives as long as the value.
#[derive(Debug, Default)]
pub struct MemoryStore {
    world: Mutex<World>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Damages what is stored behind the contract's back, so that a test sees `verify` find it;
    /// `false` when there is no such thing here.
    #[cfg(any(test, feature = "conformance"))]
    pub fn plant(&self, job: JobId, damage: crate::conformance::Damage) -> bool {
        self.write().plant(job, damage)
    }

    fn read(&self) -> MutexGuard<'_, World> {
        // Every write checks before it changes anything, so a panic leaves no half-written state.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> MutexGuard<'_, World> {
        let mut world = self.read();
        world.version += 1;
        world
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn kind(&self) -> &'static str {
        "memory"
    }

    async fn put_chunk(&self, input: InputId, chunk: Chunk) -> Result<()> {
        self.write().put_chunk(input, chunk)
    }

    async fn seal_input(&self, summary: &InputSummary, duplicates: &Duplicates, now: UnixMs) -> Result<()> {
        self.write().seal_input(summary, duplicates, now)
    }

    async fn input(&self, input: InputId) -> Result<Option<InputSummary>> {
        Ok(self.read().summary(input).cloned())
    }

    async fn chunk(&self, input: InputId, no: SpanNo) -> Result<Option<(Chunk, Duplicates)>> {
        self.read().chunk(input, no)
    }

    async fn sweep_inputs(&self, before: UnixMs) -> Result<u64> {
        Ok(self.write().sweep_inputs(before))
    }

    async fn drop_input(&self, input: InputId) -> Result<()> {
        self.write().drop_input(input);
        Ok(())
    }

    async fn create_job(&self, job: NewJob) -> Result<Job> {
        self.write().create_job(job)
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>> {
        let world = self.read();
        Ok(world.jobs.get(&id).map(|job| world.view(job)))
    }

    async fn jobs(&self, query: &JobQuery) -> Result<Vec<Job>> {
        Ok(self.read().list_jobs(query))
    }

    async fn find_job(&self, sought: &Sought) -> Result<Option<JobId>> {
        Ok(self.read().find_job(sought))
    }

    async fn command(&self, command: &Command) -> Result<Job> {
        self.write().command(command)
    }

    async fn retry(&self, retry: &Retry) -> Result<(u64, Job)> {
        self.write().retry(retry)
    }

    async fn attach(&self, attach: &Attach) -> Result<Job> {
        self.write().attach(attach)
    }

    async fn tune(
        &self,
        id: JobId,
        name: Option<&str>,
        tuning: Option<Tuning>,
        actor: &str,
        now: UnixMs,
    ) -> Result<Job> {
        self.write().tune(id, name, tuning, actor, now)
    }

    async fn delete_job(&self, id: JobId) -> Result<()> {
        self.write().delete_job(id)
    }

    async fn doubts(&self, job: JobId, after: Option<RowIndex>, limit: usize) -> Result<Vec<Doubt>> {
        self.read().list_doubts(job, after, limit)
    }

    async fn settle(&self, settle: &Settle) -> Result<u64> {
        self.write().settle(settle)
    }

    async fn heard(&self, job: JobId) -> Result<Vec<Heard>> {
        let world = self.read();
        let known = world.jobs.get(&job).into_iter().flat_map(|job| &job.heard);
        Ok(known
            .map(|((minute, status), calls)| Heard { minute: *minute, status: *status, calls: *calls })
            .collect())
    }

    async fn hear(&self, job: JobId, heard: &[Heard]) -> Result<()> {
        let mut world = self.write();
        let Some(known) = world.jobs.get_mut(&job).map(|job| &mut job.heard) else { return Ok(()) };
        for told in heard {
            *known.entry((told.minute, told.status)).or_default() += told.calls;
        }
        if let Some(newest) = heard.iter().map(|told| told.minute).max() {
            known.retain(|(minute, _), _| *minute > newest - HEARD_MINUTES);
        }
        Ok(())
    }

    async fn claimable(&self, limit: usize) -> Result<Vec<JobId>> {
        Ok(self.read().claimable(limit))
    }

    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>> {
        self.write().claim(claim)
    }

    async fn commit(&self, commit: Commit) -> Result<Committed> {
        self.write().commit(commit)
    }

    async fn reread(&self, job: JobId, span: SpanNo, epoch: Epoch) -> Result<Claimed> {
        self.read().reread(job, span, epoch)
    }

    async fn release(&self, job: JobId, span: SpanNo, epoch: Epoch) -> Result<()> {
        self.write().release(job, span, epoch)
    }

    async fn rescue(&self, now: UnixMs) -> Result<Vec<Rescued>> {
        Ok(self.write().rescue(&rescue::Which::Lapsed, now))
    }

    async fn release_all(&self, now: UnixMs) -> Result<Vec<Rescued>> {
        let mut world = self.write();
        world.let_letters_go(None);
        Ok(world.rescue(&rescue::Which::All, now))
    }

    async fn release_of(&self, worker: &WorkerId, now: UnixMs) -> Result<Vec<Rescued>> {
        let mut world = self.write();
        world.let_letters_go(Some(worker));
        Ok(world.rescue(&rescue::Which::Of(worker.clone()), now))
    }

    async fn beat(&self, beat: &Beat) -> Result<Presence> {
        Ok(self.write().beat(beat))
    }

    async fn leave(&self, worker: &WorkerId) -> Result<()> {
        self.write().leave(worker);
        Ok(())
    }

    async fn workers(&self, now: UnixMs) -> Result<Vec<Worker>> {
        Ok(self.read().list_workers(now))
    }

    async fn drain(&self, worker: &WorkerId) -> Result<bool> {
        Ok(self.write().drain(worker))
    }

    async fn turns(&self, asked: &TurnsAsked) -> Result<Turns> {
        self.write().turns(asked)
    }

    async fn rows(&self, query: &RowQuery) -> Result<Vec<LedgerRow>> {
        Ok(self.read().rows(query))
    }

    async fn groups(&self, job: JobId, outcome: Outcome, limit: usize) -> Result<Vec<Group>> {
        Ok(self.read().groups(job, outcome, limit))
    }

    async fn spans(&self, job: JobId) -> Result<Vec<SpanFact>> {
        Ok(self.read().spans(job))
    }

    async fn repeats(&self, input: InputId, after: Option<SpanNo>) -> Result<u64> {
        Ok(self.read().repeats(input, after))
    }

    async fn marks(&self, job: JobId, every: u32) -> Result<Vec<Mark>> {
        Ok(self.read().marks(job, every))
    }

    async fn history(&self, job: JobId, row: RowIndex) -> Result<Vec<LedgerRow>> {
        Ok(self.read().history(job, row))
    }

    async fn verify(&self, job: JobId) -> Result<Verify> {
        self.read().verify(job)
    }

    async fn record(&self, event: NewEvent) -> Result<Event> {
        self.write().record(event)
    }

    async fn events(&self, job: Option<JobId>, after: u64, limit: usize) -> Result<Vec<Event>> {
        Ok(self.read().list_events(job, after, limit))
    }

    async fn last_event(&self) -> Result<u64> {
        Ok(self.read().events.last().map_or(0, |event| event.seq))
    }

    async fn version(&self) -> Result<u64> {
        Ok(self.read().version)
    }

    async fn totals(&self) -> Result<Totals> {
        Ok(self.read().totals())
    }

    async fn sums(&self, today_from: UnixMs) -> Result<Sums> {
        Ok(self.read().sums(today_from))
    }

    async fn creators(&self, query: &CreatorQuery) -> Result<Vec<Creator>> {
        Ok(self.read().list_creators(query))
    }

    async fn history_page(
        &self,
        job: JobId,
        after: Option<(RowIndex, u32)>,
        limit: usize,
    ) -> Result<Vec<LedgerRow>> {
        self.read().history_page(job, after, limit)
    }

    async fn take_in(&self, part: Moving) -> Result<()> {
        self.write().take_in(part)
    }

    async fn reserve(&self, key: &str, fingerprint: &str, now: UnixMs) -> Result<Reservation> {
        Ok(self.write().reserve(key, fingerprint, now))
    }

    async fn keep_answer(&self, key: &str, answer: Option<(u16, String)>) -> Result<()> {
        self.write().keep_answer(key, answer);
        Ok(())
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }

    async fn sizes(&self) -> Result<Vec<(String, u64)>> {
        Ok(Vec::new())
    }
}
