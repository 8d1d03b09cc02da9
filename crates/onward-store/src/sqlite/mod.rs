//! The ledger in SQLite: what everybody uses.
//!
//! **Promise.** What was answered with `Ok` survives a power cut: the database is in WAL mode with
//! `synchronous=FULL`, and answers are given after `COMMIT`. One thread owns the one connection that
//! writes (`writer`: greedy group commit behind a bounded queue); readers stand beside it and never
//! hold a snapshot across an await. Another process may write to the same file; its fence is the same
//! epoch, its lock is SQLite's.
//!
//! **What a crash leaves.** SQLite's log: the next opening carries out what was committed and forgets
//! the rest. Nothing else is stored anywhere, so there is nothing to repair.
//!
//! **What each failure does.** No room: a reserve is given free (`reserve`), in which what is in hand is
//! saved; with that used up the operation answers `DiskFull`, nothing is written, the next one is tried
//! as if nothing had happened. Locked: `Unavailable` after five seconds. A failed
//! `COMMIT`: `Unknown`, and the caller reads the span again on a new connection. A damaged page:
//! `Corrupt`, and the job must stop (G23).
//!
//! Counters live on the spans and nowhere else; a job's totals are a sum over its spans. For a page
//! nothing ever counts the records of the ledger; only `verify` does.

mod answers;
mod attach;
mod commands;
mod commit;
mod connect;
mod doubts;
mod events;
mod failure;
mod fleet;
mod head;
mod inputs;
mod jobs;
mod migrate;
mod moving;
mod opening;
mod outbox;
mod picture;
mod place;
#[cfg(test)]
mod power_cut;
mod readers;
mod reserve;
mod rows;
mod sql;
#[cfg(test)]
mod tests;
mod values;
mod verify;
mod work;
mod writer;

use std::sync::Arc;

use async_trait::async_trait;
use onward_core::clock::UnixMs;
use onward_core::doubt::Doubt;
use onward_core::event::{Event, NewEvent};
use onward_core::id::{Epoch, InputId, JobId, RowIndex, SpanNo, WorkerId};
use onward_core::input::{Chunk, Duplicates, InputSummary};
use onward_core::job::{Job, Tuning};
use onward_core::row::Outcome;
use onward_core::store::{
    Attach, Beat, Claim, Claimed, Command, Commit, Committed, Creator, CreatorQuery, Group, Heard, JobQuery,
    LedgerRow, Mark, Moving, NewJob, Presence, Rescued, Reservation, Result, Retry, Room, RowQuery, Settle,
    Sought, SpanFact, SpanQuery, Store, Sums, Totals, Turns, TurnsAsked, Verify, Worker,
};
use rusqlite::Connection;

use readers::Readers;
use reserve::Reserve;
use work::Which;
use writer::Writer;

/// A ledger in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    // The writer is dropped, and so at rest, before the readers close.
    writer: Writer,
    readers: Readers,
    reserve: Arc<Reserve>,
}

#[async_trait]
impl Store for SqliteStore {
    fn kind(&self) -> &'static str {
        "sqlite"
    }

    fn room(&self) -> Room {
        self.reserve.room()
    }

    async fn put_chunk(&self, input: InputId, chunk: Chunk) -> Result<()> {
        self.may_grow()?;
        self.writer.write(move |db| inputs::put_chunk(db, input, &chunk)).await
    }

    async fn seal_input(&self, summary: &InputSummary, duplicates: &Duplicates, now: UnixMs) -> Result<()> {
        let (summary, duplicates) = (summary.clone(), duplicates.clone());
        self.writer.write(move |db| inputs::seal(db, &summary, &duplicates, now)).await
    }

    async fn input(&self, input: InputId) -> Result<Option<InputSummary>> {
        self.readers.read(move |db| inputs::summary(db, input)).await
    }

    async fn chunk(&self, input: InputId, no: SpanNo) -> Result<Option<(Chunk, Duplicates)>> {
        self.readers.read(move |db| inputs::chunk(db, input, no)).await
    }

    async fn chunk_facts(&self, input: InputId, no: SpanNo) -> Result<Option<(Chunk, Duplicates)>> {
        self.readers.read(move |db| inputs::chunk_without_rows(db, input, no)).await
    }

    async fn repeats(&self, input: InputId, after: Option<SpanNo>) -> Result<u64> {
        self.readers.read(move |db| inputs::repeats(db, input, after)).await
    }

    async fn sweep_inputs(&self, before: UnixMs) -> Result<u64> {
        self.writer.write(move |db| inputs::sweep(db, before)).await
    }

    async fn drop_input(&self, input: InputId) -> Result<()> {
        self.writer.write(move |db| inputs::drop_chunks(db, input)).await
    }

    async fn create_job(&self, job: NewJob) -> Result<Job> {
        self.may_grow()?;
        self.writer.write(move |db| jobs::create(db, &job)).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>> {
        self.readers.read(move |db| jobs::get(db, id)).await
    }

    async fn jobs(&self, query: &JobQuery) -> Result<Vec<Job>> {
        let query = query.clone();
        self.readers.read(move |db| jobs::list(db, &query)).await
    }

    async fn find_job(&self, sought: &Sought) -> Result<Option<JobId>> {
        let sought = sought.clone();
        self.readers.read(move |db| jobs::find(db, &sought)).await
    }

    async fn command(&self, command: &Command) -> Result<Job> {
        let command = command.clone();
        self.writer.write(move |db| commands::command(db, &command)).await
    }

    async fn retry(&self, retry: &Retry) -> Result<(u64, Job)> {
        let retry = retry.clone();
        self.writer.write(move |db| commands::retry(db, &retry)).await
    }

    async fn attach(&self, attach: &Attach) -> Result<Job> {
        let attach = attach.clone();
        self.writer.write(move |db| attach::attach(db, &attach)).await
    }

    async fn tune(
        &self,
        id: JobId,
        name: Option<&str>,
        tuning: Option<Tuning>,
        actor: &str,
        now: UnixMs,
    ) -> Result<Job> {
        let (name, actor) = (name.map(str::to_owned), actor.to_owned());
        self.writer.write(move |db| jobs::tune(db, id, name.as_deref(), tuning, &actor, now)).await
    }

    async fn delete_job(&self, id: JobId) -> Result<()> {
        self.writer.write(move |db| jobs::delete(db, id)).await
    }

    async fn doubts(&self, job: JobId, after: Option<RowIndex>, limit: usize) -> Result<Vec<Doubt>> {
        self.readers.read(move |db| doubts::page(db, job, after, limit)).await
    }

    async fn settle(&self, settle: &Settle) -> Result<u64> {
        let settle = settle.clone();
        self.writer.write(move |db| doubts::settle(db, &settle)).await
    }

    async fn claimable(&self, limit: usize) -> Result<Vec<JobId>> {
        self.readers.read(move |db| work::claimable(db, limit)).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>> {
        let claim = claim.clone();
        self.writer.write(move |db| work::claim(db, &claim)).await
    }

    async fn commit(&self, commit: Commit) -> Result<Committed> {
        self.writer.write_rows(commit.rows.len(), move |db| commit::commit(db, &commit)).await
    }

    async fn reread(&self, job: JobId, span: SpanNo, epoch: Epoch) -> Result<Claimed> {
        self.readers.read_anew(move |db| work::reread(db, job, span, epoch)).await
    }

    async fn release(&self, job: JobId, span: SpanNo, epoch: Epoch) -> Result<()> {
        self.writer.write(move |db| work::release(db, job, span, epoch)).await
    }

    async fn rescue(&self, now: UnixMs) -> Result<Vec<Rescued>> {
        self.writer.write(move |db| work::rescue(db, &Which::Lapsed, now)).await
    }

    async fn release_all(&self, now: UnixMs) -> Result<Vec<Rescued>> {
        let work = move |db: &Connection| {
            answers::forget_open(db)?;
            outbox::let_go(db, None)?;
            work::rescue(db, &Which::All, now)
        };
        self.writer.write(work).await
    }

    async fn release_of(&self, worker: &WorkerId, now: UnixMs) -> Result<Vec<Rescued>> {
        let (worker, which) = (worker.clone(), Which::Of(worker.clone()));
        let work = move |db: &Connection| {
            outbox::let_go(db, Some(&worker))?;
            work::rescue(db, &which, now)
        };
        self.writer.write(work).await
    }

    async fn beat(&self, beat: &Beat) -> Result<Presence> {
        let asked = beat.clone();
        if self.readers.read(move |db| fleet::beat_due(db, &asked)).await? {
            let due = beat.clone();
            self.writer.write(move |db| fleet::write_beat(db, &due)).await?;
        }
        let beat = beat.clone();
        self.readers.read(move |db| fleet::presence(db, &beat)).await
    }

    async fn leave(&self, worker: &WorkerId) -> Result<()> {
        let worker = worker.clone();
        self.writer.write(move |db| fleet::leave(db, &worker)).await
    }

    async fn workers(&self, now: UnixMs) -> Result<Vec<Worker>> {
        self.readers.read(move |db| fleet::workers(db, now)).await
    }

    async fn drain(&self, worker: &WorkerId) -> Result<bool> {
        let worker = worker.clone();
        self.writer.write(move |db| fleet::drain(db, &worker)).await
    }

    async fn turns(&self, asked: &TurnsAsked) -> Result<Turns> {
        let asked = *asked;
        if asked.calls == 0 {
            return self.readers.read(move |db| fleet::take_turns(db, &asked)).await;
        }
        self.writer.write(move |db| fleet::take_turns(db, &asked)).await
    }

    async fn rows(&self, query: &RowQuery) -> Result<Vec<LedgerRow>> {
        let query = query.clone();
        self.readers.read(move |db| rows::page(db, &query)).await
    }

    async fn groups(&self, job: JobId, outcome: Outcome, limit: usize) -> Result<Vec<Group>> {
        self.readers.read(move |db| rows::groups(db, job, outcome, limit)).await
    }

    async fn spans(&self, job: JobId) -> Result<Vec<SpanFact>> {
        self.readers.read(move |db| picture::spans(db, job)).await
    }

    async fn spans_with(&self, query: &SpanQuery) -> Result<Vec<SpanFact>> {
        let query = *query;
        self.readers.read(move |db| picture::spans_with(db, &query)).await
    }

    async fn marks(&self, job: JobId, every: u32) -> Result<Vec<Mark>> {
        self.readers.read(move |db| picture::marks(db, job, every)).await
    }

    async fn heard(&self, job: JobId) -> Result<Vec<Heard>> {
        self.readers.read(move |db| picture::heard(db, job)).await
    }

    async fn hear(&self, job: JobId, heard: &[Heard]) -> Result<()> {
        let heard = heard.to_vec();
        self.writer.write(move |db| picture::hear(db, job, &heard)).await
    }

    async fn history(&self, job: JobId, row: RowIndex) -> Result<Vec<LedgerRow>> {
        self.readers.read(move |db| rows::history(db, job, row)).await
    }

    async fn verify(&self, job: JobId) -> Result<Verify> {
        self.readers.read(move |db| verify::verify(db, job)).await
    }

    async fn record(&self, event: NewEvent) -> Result<Event> {
        self.writer.write(move |db| events::record(db, &event)).await
    }

    async fn events(&self, job: Option<JobId>, after: u64, limit: usize) -> Result<Vec<Event>> {
        self.readers.read(move |db| events::page(db, job, after, limit)).await
    }

    async fn last_event(&self) -> Result<u64> {
        self.readers.read(events::last).await
    }

    async fn version(&self) -> Result<u64> {
        self.readers.version().await
    }

    async fn totals(&self) -> Result<Totals> {
        self.readers.read(jobs::totals).await
    }

    async fn sums(&self, today_from: UnixMs) -> Result<Sums> {
        self.readers.read(move |db| jobs::sums(db, today_from)).await
    }

    async fn creators(&self, query: &CreatorQuery) -> Result<Vec<Creator>> {
        let query = query.clone();
        self.readers.read(move |db| rows::creators(db, &query)).await
    }

    async fn history_page(
        &self,
        job: JobId,
        after: Option<(RowIndex, u32)>,
        limit: usize,
    ) -> Result<Vec<LedgerRow>> {
        self.readers.read(move |db| moving::history_page(db, job, after, limit)).await
    }

    async fn take_in(&self, part: Moving) -> Result<()> {
        self.may_grow()?;
        self.writer.write(move |db| moving::take_in(db, &part)).await
    }

    async fn reserve(&self, key: &str, fingerprint: &str, now: UnixMs) -> Result<Reservation> {
        let (key, fingerprint) = (key.to_owned(), fingerprint.to_owned());
        self.writer.write(move |db| answers::reserve(db, &key, &fingerprint, now)).await
    }

    async fn keep_answer(&self, key: &str, answer: Option<(u16, String)>) -> Result<()> {
        let key = key.to_owned();
        self.writer.write(move |db| answers::keep(db, &key, answer.as_ref())).await
    }

    async fn ping(&self) -> Result<()> {
        let work = |db: &Connection| {
            db.prepare_cached(sql::PING_WRITE)?.execute([])?;
            db.prepare_cached(sql::PING_DELETE)?.execute([])?;
            Ok(())
        };
        self.may_grow()?;
        self.writer.write(work).await
    }

    async fn sizes(&self) -> Result<Vec<(String, u64)>> {
        self.readers.read(picture::sizes).await
    }
}
