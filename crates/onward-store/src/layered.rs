//! A ledger with hot copies in Redis beside it. The ledger is asked first or has the last word, always:
//! a write is done when the ledger says so, and a read from Redis counts only when the ledger confirms it.

mod outbox;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use onward_core::clock::UnixMs;
use onward_core::doubt::Doubt;
use onward_core::event::{Event, NewEvent};
use onward_core::id::{Epoch, InputId, JobId, RowIndex, SpanNo, WorkerId};
use onward_core::input::{Chunk, Duplicates, InputSummary};
use onward_core::job::{Job, Tuning};
use onward_core::row::Outcome;
use onward_core::store::{
    Attach, Beat, Claim, Claimed, Command, Commit, Committed, Creator, CreatorQuery, Glance, Group, Heard,
    Hot, JobQuery, LedgerRow, Mark, Moving, NewJob, Presence, Rescued, Reservation, Result, Retry, Room,
    RowQuery, Settle, Sought, SpanFact, SpanQuery, Store, Sums, Totals, Turns, TurnsAsked, Verify, Worker,
};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::redis::Redis;

/// What Redis said about a checkpoint is not asked again for this long: pages ask ten times a second.
const LOOKED: Duration = Duration::from_millis(250);
/// Jobs whose last look is remembered; beyond it all are forgotten and looked at again.
const MOST_LOOKS: usize = 2_000;

/// A store over a store and a Redis.
pub struct LayeredStore {
    ledger: Arc<dyn Store>,
    redis: Redis,
    looks: Mutex<HashMap<JobId, Look>>,
    writer: JoinHandle<()>,
}

/// Whether a job's checkpoint was live in Redis, and when that was asked.
#[derive(Clone, Copy)]
struct Look {
    live: bool,
    at: Instant,
}

impl LayeredStore {
    /// Puts a Redis beside a ledger. To be called inside a runtime: checkpoints are written by a task.
    #[must_use]
    pub fn new(ledger: Arc<dyn Store>, redis: Redis) -> Self {
        let writer = redis.write_checkpoints(Arc::downgrade(&ledger));
        Self { ledger, redis, looks: Mutex::default(), writer }
    }

    /// The job has changed: its checkpoint is written, and other machines look.
    fn changed(&self, job: JobId) {
        self.redis.changed(job);
        self.redis.tell(job);
    }

    /// Asks Redis for a sign of life.
    #[cfg(test)]
    pub(crate) async fn redis_answers(&self) -> bool {
        self.redis.ping().await
    }

    async fn look(&self, jobs: &[Job]) {
        let old: Vec<&Job> = {
            let looks = self.looks();
            let fresh = |job: &&Job| looks.get(&job.id).is_some_and(|look| look.at.elapsed() < LOOKED);
            jobs.iter().filter(|job| !fresh(job)).collect()
        };
        if old.is_empty() {
            return;
        }
        let live = self.redis.live(&old, now()).await;
        let at = Instant::now();
        let mut looks = self.looks();
        if looks.len() > MOST_LOOKS {
            looks.clear();
        }
        looks.extend(old.iter().zip(live).map(|(job, live)| (job.id, Look { live, at })));
    }

    fn looks(&self) -> MutexGuard<'_, HashMap<JobId, Look>> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LayeredStore {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

/// Only says how old a copy is; no decision about the ledger is made by it.
#[expect(clippy::disallowed_methods, reason = "the age of a hot copy is measured here, at the edge")]
fn now() -> UnixMs {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[async_trait]
impl Store for LayeredStore {
    fn kind(&self) -> &'static str {
        self.ledger.kind()
    }

    fn hot(&self) -> Option<Hot> {
        Some(self.redis.hot())
    }

    fn room(&self) -> Room {
        self.ledger.room()
    }

    fn saved_in(&self, job: JobId) -> Vec<&'static str> {
        let live = self.looks().get(&job).is_some_and(|look| look.live);
        let mut places = self.ledger.saved_in(job);
        places.extend(live.then_some("redis"));
        places
    }

    async fn put_chunk(&self, input: InputId, chunk: Chunk) -> Result<()> {
        self.ledger.put_chunk(input, chunk.clone()).await?;
        self.redis.keep_chunk(input, &chunk);
        Ok(())
    }

    async fn chunk(&self, input: InputId, no: SpanNo) -> Result<Option<(Chunk, Duplicates)>> {
        let Some((facts, duplicates)) = self.ledger.chunk_facts(input, no).await? else { return Ok(None) };
        if let Some(packed) = self.redis.packed(input, no, &facts.digest).await {
            return Ok(Some((Chunk { packed, ..facts }, duplicates)));
        }
        let found = self.ledger.chunk(input, no).await?;
        if let Some((chunk, _)) = &found {
            self.redis.keep_chunk(input, chunk);
        }
        Ok(found)
    }

    async fn chunk_facts(&self, input: InputId, no: SpanNo) -> Result<Option<(Chunk, Duplicates)>> {
        self.ledger.chunk_facts(input, no).await
    }

    async fn create_job(&self, job: NewJob) -> Result<Job> {
        let created = self.ledger.create_job(job).await?;
        self.changed(created.id);
        Ok(created)
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>> {
        let job = self.ledger.job(id).await?;
        self.look(job.as_slice()).await;
        Ok(job)
    }

    async fn jobs(&self, query: &JobQuery) -> Result<Vec<Job>> {
        let jobs = self.ledger.jobs(query).await?;
        self.look(&jobs).await;
        Ok(jobs)
    }

    async fn command(&self, command: &Command) -> Result<Job> {
        let job = self.ledger.command(command).await?;
        self.changed(job.id);
        Ok(job)
    }

    async fn retry(&self, retry: &Retry) -> Result<(u64, Job)> {
        let opened = self.ledger.retry(retry).await?;
        self.changed(retry.job);
        Ok(opened)
    }

    async fn attach(&self, attach: &Attach) -> Result<Job> {
        let job = self.ledger.attach(attach).await?;
        self.changed(attach.job);
        Ok(job)
    }

    async fn tune(
        &self,
        id: JobId,
        name: Option<&str>,
        tuning: Option<Tuning>,
        actor: &str,
        now: UnixMs,
    ) -> Result<Job> {
        let job = self.ledger.tune(id, name, tuning, actor, now).await?;
        self.changed(id);
        Ok(job)
    }

    async fn settle(&self, settle: &Settle) -> Result<u64> {
        let count = self.ledger.settle(settle).await?;
        self.changed(settle.job);
        Ok(count)
    }

    async fn delete_job(&self, id: JobId) -> Result<()> {
        self.ledger.delete_job(id).await?;
        self.changed(id);
        Ok(())
    }

    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>> {
        let claimed = self.ledger.claim(claim).await?;
        if claimed.is_some() {
            self.redis.changed(claim.job);
        }
        Ok(claimed)
    }

    async fn commit(&self, commit: Commit) -> Result<Committed> {
        let job = commit.job;
        let committed = self.ledger.commit(commit).await?;
        self.redis.changed(job);
        if committed.job_done {
            self.redis.tell(job);
        }
        Ok(committed)
    }

    async fn held_by(&self, job: JobId, worker: &WorkerId) -> Result<Vec<(SpanNo, Epoch)>> {
        self.ledger.held_by(job, worker).await
    }

    async fn glance(&self, job: JobId, worker: &WorkerId) -> Result<Option<Glance>> {
        self.ledger.glance(job, worker).await
    }

    async fn release(&self, job: JobId, span: SpanNo, epoch: Epoch) -> Result<()> {
        self.ledger.release(job, span, epoch).await?;
        self.changed(job);
        Ok(())
    }

    async fn rescue(&self, now: UnixMs) -> Result<Vec<Rescued>> {
        let rescued = self.ledger.rescue(now).await?;
        rescued.iter().for_each(|rescued| self.changed(rescued.job));
        Ok(rescued)
    }

    async fn release_all(&self, now: UnixMs) -> Result<Vec<Rescued>> {
        let released = self.ledger.release_all(now).await?;
        released.iter().for_each(|released| self.changed(released.job));
        Ok(released)
    }

    async fn release_of(&self, worker: &WorkerId, now: UnixMs) -> Result<Vec<Rescued>> {
        let released = self.ledger.release_of(worker, now).await?;
        released.iter().for_each(|released| self.changed(released.job));
        Ok(released)
    }

    async fn turns(&self, asked: &TurnsAsked) -> Result<Turns> {
        self.redis.turns(&*self.ledger, asked).await
    }

    async fn beat(&self, beat: &Beat) -> Result<Presence> {
        let presence = self.ledger.beat(beat).await?;
        // Once a second, so that what pages say about Redis is never older.
        self.redis.ping().await;
        Ok(presence)
    }

    async fn leave(&self, worker: &WorkerId) -> Result<()> {
        self.redis.settle().await;
        self.ledger.leave(worker).await
    }

    async fn ping(&self) -> Result<()> {
        let (pinged, _hot) = tokio::join!(self.ledger.ping(), self.redis.ping());
        pinged
    }

    // --- the ledger alone -----------------------------------------------------------------------

    async fn seal_input(&self, summary: &InputSummary, duplicates: &Duplicates, now: UnixMs) -> Result<()> {
        self.ledger.seal_input(summary, duplicates, now).await
    }
    async fn input(&self, input: InputId) -> Result<Option<InputSummary>> {
        self.ledger.input(input).await
    }
    async fn sweep_inputs(&self, before: UnixMs) -> Result<u64> {
        self.ledger.sweep_inputs(before).await
    }
    async fn drop_input(&self, input: InputId) -> Result<()> {
        self.ledger.drop_input(input).await
    }
    async fn find_job(&self, sought: &Sought) -> Result<Option<JobId>> {
        self.ledger.find_job(sought).await
    }
    async fn doubts(&self, job: JobId, after: Option<RowIndex>, limit: usize) -> Result<Vec<Doubt>> {
        self.ledger.doubts(job, after, limit).await
    }
    async fn claimable(&self, limit: usize) -> Result<Vec<JobId>> {
        self.ledger.claimable(limit).await
    }
    async fn reread(&self, job: JobId, span: SpanNo, epoch: Epoch) -> Result<Claimed> {
        self.ledger.reread(job, span, epoch).await
    }
    async fn workers(&self, now: UnixMs) -> Result<Vec<Worker>> {
        self.ledger.workers(now).await
    }
    async fn drain(&self, worker: &WorkerId) -> Result<bool> {
        self.ledger.drain(worker).await
    }
    async fn rows(&self, query: &RowQuery) -> Result<Vec<LedgerRow>> {
        self.ledger.rows(query).await
    }
    async fn groups(&self, job: JobId, outcome: Outcome, limit: usize) -> Result<Vec<Group>> {
        self.ledger.groups(job, outcome, limit).await
    }
    async fn spans(&self, job: JobId) -> Result<Vec<SpanFact>> {
        self.ledger.spans(job).await
    }
    async fn spans_with(&self, query: &SpanQuery) -> Result<Vec<SpanFact>> {
        self.ledger.spans_with(query).await
    }
    async fn repeats(&self, input: InputId, after: Option<SpanNo>) -> Result<u64> {
        self.ledger.repeats(input, after).await
    }
    async fn marks(&self, job: JobId, every: u32) -> Result<Vec<Mark>> {
        self.ledger.marks(job, every).await
    }
    async fn history(&self, job: JobId, row: RowIndex) -> Result<Vec<LedgerRow>> {
        self.ledger.history(job, row).await
    }
    async fn sizes(&self) -> Result<Vec<(String, u64)>> {
        self.ledger.sizes().await
    }
    async fn verify(&self, job: JobId) -> Result<Verify> {
        self.ledger.verify(job).await
    }
    async fn heard(&self, job: JobId) -> Result<Vec<Heard>> {
        self.ledger.heard(job).await
    }
    async fn hear(&self, job: JobId, heard: &[Heard]) -> Result<()> {
        self.ledger.hear(job, heard).await
    }
    async fn record(&self, event: NewEvent) -> Result<Event> {
        self.ledger.record(event).await
    }
    async fn events(&self, job: Option<JobId>, after: u64, limit: usize) -> Result<Vec<Event>> {
        self.ledger.events(job, after, limit).await
    }
    async fn last_event(&self) -> Result<u64> {
        self.ledger.last_event().await
    }
    async fn version(&self) -> Result<u64> {
        self.ledger.version().await
    }
    async fn totals(&self) -> Result<Totals> {
        self.ledger.totals().await
    }

    async fn sums(&self, today_from: UnixMs) -> Result<Sums> {
        self.ledger.sums(today_from).await
    }
    async fn creators(&self, query: &CreatorQuery) -> Result<Vec<Creator>> {
        self.ledger.creators(query).await
    }
    async fn history_page(
        &self,
        job: JobId,
        after: Option<(RowIndex, u32)>,
        limit: usize,
    ) -> Result<Vec<LedgerRow>> {
        self.ledger.history_page(job, after, limit).await
    }

    async fn take_in(&self, part: Moving) -> Result<()> {
        self.ledger.take_in(part).await
    }

    async fn reserve(&self, key: &str, fingerprint: &str, now: UnixMs) -> Result<Reservation> {
        self.ledger.reserve(key, fingerprint, now).await
    }
    async fn keep_answer(&self, key: &str, answer: Option<(u16, String)>) -> Result<()> {
        self.ledger.keep_answer(key, answer).await
    }
}
