//! The ledger in PostgreSQL: for several machines, and for whom the data already lives there.
//!
//! **Promise.** What was answered with `Ok` survives a power cut of the server: whatever the database
//! is set to, our transactions wait for the disk (`synchronous_commit=on`, said in each of them, because
//! what a session is told does not survive a transaction pooler). The fence is the epoch of the span and
//! nothing else. Leases are compared with the clock of the database, which all machines share.
//!
//! **One round trip per commit.** Outcomes, creators, counters, checkpoint and lease of a span are one
//! statement (`commit`). Statements are unprepared and carry the types of their parameters: nothing that
//! is prepared survives a transaction pooler either. Several spans commit at the same time, on
//! connections of their own; PostgreSQL's own group commit shares the sync between them.
//!
//! **Who waits for whom.** A command, a claim and a rescue hold the row of the job, then rows of spans; a
//! commit holds the row of its span, then creators in the order of their keys. The sums of a job's spans are
//! written last, by triggers, when all spans that the statement changes are held. Whoever writes a line of
//! the timeline then holds the turn until its end. Nobody goes the other way round, so nobody waits in a
//! circle. A transaction whose owner falls silent ends after five seconds.
//!
//! **What each failure does.** A broken connection before the commit: `Unavailable`, nothing is written.
//! At the commit: `Unknown`; `reread` asks on a connection that was not there before, and waits until
//! nothing that had begun is under way (G9). A server that is away is tried again at growing distances
//! up to two seconds (`pool`). No room: `DiskFull`, nothing is written. A value that contradicts the
//! schema: `Corrupt`, and the job must stop (G23).
//!
//! Nobody owns a Postgres store: any number of processes serve, work and ask at the same time.

mod address;
mod answers;
mod attach;
mod commands;
mod commit;
mod doubts;
mod events;
mod failure;
mod fleet;
mod head;
mod inputs;
mod jobs;
mod migrate;
mod moving;
mod open;
mod outbox;
mod picture;
mod pool;
mod rows;
mod session;
mod sql;
#[cfg(test)]
mod tests;
mod tls;
mod values;
mod verify;
mod work;

use std::fmt;

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
    JobQuery, LedgerRow, Mark, Moving, NewJob, Presence, Rescued, Reservation, Result, Retry, RowQuery,
    Settle, Sought, SpanFact, SpanQuery, Store, Sums, Totals, Turns, TurnsAsked, Verify, Worker,
};

pub use open::OpenError;
use pool::{Kind, Operation, Pool, Which};

/// A ledger in one schema of a PostgreSQL database.
pub struct PostgresStore {
    pool: Pool,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

impl PostgresStore {
    async fn read<A, T>(&self, asked: A, operation: Operation<A, T>) -> Result<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.pool.run(Kind::Read, Which::Any, asked, operation).await
    }

    async fn write<A, T>(&self, asked: A, operation: Operation<A, T>) -> Result<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.pool.run(Kind::Transaction, Which::Any, asked, operation).await
    }

    async fn rescue_all(&self, which: work::Which, now: UnixMs) -> Result<Vec<Rescued>> {
        let (lapsed, to_end) =
            self.read((which.clone(), now), |db, asked| Box::pin(work::to_rescue(db, asked))).await?;
        let mut rescued = Vec::new();
        for job in lapsed {
            let work: Operation<_, Vec<Rescued>> = |db, asked| Box::pin(work::rescue(db, asked));
            rescued.extend(self.write((job, which.clone(), now), work).await?);
        }
        for job in to_end {
            self.read((job, now), |db, asked| Box::pin(work::end(db, asked))).await?;
        }
        Ok(rescued)
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn kind(&self) -> &'static str {
        "postgres"
    }

    async fn put_chunk(&self, input: InputId, chunk: Chunk) -> Result<()> {
        let put: Operation<_, ()> = |db, asked| Box::pin(inputs::put_chunk(db, asked));
        self.pool.run(Kind::Statement, Which::Any, (input, chunk), put).await
    }

    async fn seal_input(&self, summary: &InputSummary, duplicates: &Duplicates, now: UnixMs) -> Result<()> {
        let asked = (summary.clone(), duplicates.clone(), now);
        self.write(asked, |db, asked| Box::pin(inputs::seal(db, asked))).await
    }

    async fn input(&self, input: InputId) -> Result<Option<InputSummary>> {
        self.read(input, |db, input| Box::pin(inputs::summary(db, input))).await
    }

    async fn chunk(&self, input: InputId, no: SpanNo) -> Result<Option<(Chunk, Duplicates)>> {
        self.read((input, no), |db, asked| Box::pin(inputs::chunk(db, asked))).await
    }

    async fn chunk_facts(&self, input: InputId, no: SpanNo) -> Result<Option<(Chunk, Duplicates)>> {
        self.read((input, no), |db, asked| Box::pin(inputs::chunk_without_rows(db, asked))).await
    }

    async fn sweep_inputs(&self, before: UnixMs) -> Result<u64> {
        self.write(before, |db, before| Box::pin(inputs::sweep(db, before))).await
    }

    async fn drop_input(&self, input: InputId) -> Result<()> {
        self.write(input, |db, input| Box::pin(inputs::drop_chunks(db, input))).await
    }

    async fn create_job(&self, job: NewJob) -> Result<Job> {
        self.write(job, |db, job| Box::pin(jobs::create(db, job))).await
    }

    async fn job(&self, id: JobId) -> Result<Option<Job>> {
        self.read(id, |db, id| Box::pin(jobs::get_one(db, id))).await
    }

    async fn jobs(&self, query: &JobQuery) -> Result<Vec<Job>> {
        self.read(query.clone(), |db, query| Box::pin(jobs::list(db, query))).await
    }

    async fn find_job(&self, sought: &Sought) -> Result<Option<JobId>> {
        self.read(sought.clone(), |db, sought| Box::pin(jobs::find(db, sought))).await
    }

    async fn command(&self, command: &Command) -> Result<Job> {
        self.write(command.clone(), |db, command| Box::pin(commands::command(db, command))).await
    }

    async fn retry(&self, retry: &Retry) -> Result<(u64, Job)> {
        let work: Operation<_, (u64, Job)> = |db, retry| Box::pin(commands::retry(db, retry));
        self.pool.run(Kind::LongTransaction, Which::Any, retry.clone(), work).await
    }

    async fn attach(&self, attach: &Attach) -> Result<Job> {
        let work: Operation<_, Job> = |db, attach| Box::pin(attach::attach(db, attach));
        self.pool.run(Kind::LongTransaction, Which::Any, attach.clone(), work).await
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
        let change = jobs::Change { id, name, tuning, actor, now };
        self.write(change, |db, change| Box::pin(jobs::tune(db, change))).await
    }

    async fn delete_job(&self, id: JobId) -> Result<()> {
        let work: Operation<_, ()> = |db, id| Box::pin(jobs::delete(db, id));
        self.pool.run(Kind::LongTransaction, Which::Any, id, work).await
    }

    async fn doubts(&self, job: JobId, after: Option<RowIndex>, limit: usize) -> Result<Vec<Doubt>> {
        self.read((job, after, limit), |db, asked| Box::pin(doubts::page(db, asked))).await
    }

    async fn settle(&self, settle: &Settle) -> Result<u64> {
        self.write(settle.clone(), |db, settle| Box::pin(doubts::settle(db, settle))).await
    }

    async fn claimable(&self, limit: usize) -> Result<Vec<JobId>> {
        self.read(limit, |db, limit| Box::pin(work::claimable(db, limit))).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>> {
        let work: Operation<_, Option<Claimed>> = |db, claim| Box::pin(work::claim(db, claim));
        self.pool.run(Kind::Statement, Which::Any, claim.clone(), work).await
    }

    async fn commit(&self, commit: Commit) -> Result<Committed> {
        let work: Operation<_, Committed> = |db, commit| Box::pin(commit::commit(db, commit));
        self.pool.run(Kind::Statement, Which::Any, commit, work).await
    }

    async fn reread(&self, job: JobId, span: SpanNo, epoch: Epoch) -> Result<Claimed> {
        let work: Operation<_, Claimed> = |db, held| Box::pin(work::reread(db, held));
        self.pool.run(Kind::Transaction, Which::New, (job, span, epoch), work).await
    }

    async fn held_by(&self, job: JobId, worker: &WorkerId) -> Result<Vec<(SpanNo, Epoch)>> {
        let work: Operation<_, _> = |db, asked| Box::pin(work::held_by(db, asked));
        self.pool.run(Kind::Transaction, Which::New, (job, worker.clone()), work).await
    }

    async fn glance(&self, job: JobId, worker: &WorkerId) -> Result<Option<Glance>> {
        self.read((job, worker.clone()), |db, asked| Box::pin(work::glance(db, asked))).await
    }

    async fn release(&self, job: JobId, span: SpanNo, epoch: Epoch) -> Result<()> {
        let work: Operation<_, ()> = |db, held| Box::pin(work::release(db, held));
        self.pool.run(Kind::Statement, Which::Any, (job, span, epoch), work).await
    }

    async fn rescue(&self, now: UnixMs) -> Result<Vec<Rescued>> {
        self.rescue_all(work::Which::Lapsed, now).await
    }

    async fn release_all(&self, now: UnixMs) -> Result<Vec<Rescued>> {
        self.write((), |db, nothing| Box::pin(answers::forget_open(db, nothing))).await?;
        self.write(None, |db, of| Box::pin(outbox::let_go(db, of))).await?;
        self.rescue_all(work::Which::All, now).await
    }

    async fn release_of(&self, worker: &WorkerId, now: UnixMs) -> Result<Vec<Rescued>> {
        self.write(Some(worker.clone()), |db, of| Box::pin(outbox::let_go(db, of))).await?;
        self.rescue_all(work::Which::Of(worker.clone()), now).await
    }

    async fn beat(&self, beat: &Beat) -> Result<Presence> {
        self.read(beat.clone(), |db, beat| Box::pin(fleet::beat(db, beat))).await
    }

    async fn leave(&self, worker: &WorkerId) -> Result<()> {
        self.write(worker.clone(), |db, worker| Box::pin(fleet::leave(db, worker))).await
    }

    async fn workers(&self, now: UnixMs) -> Result<Vec<Worker>> {
        self.read(now, |db, now| Box::pin(fleet::workers(db, now))).await
    }

    async fn drain(&self, worker: &WorkerId) -> Result<bool> {
        self.write(worker.clone(), |db, worker| Box::pin(fleet::drain(db, worker))).await
    }

    async fn turns(&self, asked: &TurnsAsked) -> Result<Turns> {
        self.write(*asked, |db, asked| Box::pin(fleet::take_turns(db, asked))).await
    }

    async fn rows(&self, query: &RowQuery) -> Result<Vec<LedgerRow>> {
        self.read(query.clone(), |db, query| Box::pin(rows::page(db, query))).await
    }

    async fn groups(&self, job: JobId, outcome: Outcome, limit: usize) -> Result<Vec<Group>> {
        self.read((job, outcome, limit), |db, asked| Box::pin(rows::groups(db, asked))).await
    }

    async fn spans(&self, job: JobId) -> Result<Vec<SpanFact>> {
        self.read(job, |db, job| Box::pin(picture::spans(db, job))).await
    }

    async fn spans_with(&self, query: &SpanQuery) -> Result<Vec<SpanFact>> {
        self.read(*query, |db, query| Box::pin(picture::spans_with(db, query))).await
    }

    async fn repeats(&self, input: InputId, after: Option<SpanNo>) -> Result<u64> {
        self.read((input, after), |db, asked| Box::pin(inputs::repeats(db, asked))).await
    }

    async fn marks(&self, job: JobId, every: u32) -> Result<Vec<Mark>> {
        self.read((job, every), |db, asked| Box::pin(picture::marks(db, asked))).await
    }

    async fn heard(&self, job: JobId) -> Result<Vec<Heard>> {
        self.read(job, |db, job| Box::pin(picture::heard(db, job))).await
    }
    async fn hear(&self, job: JobId, heard: &[Heard]) -> Result<()> {
        self.write((job, heard.to_vec()), |db, told| Box::pin(picture::hear(db, told))).await
    }
    async fn history(&self, job: JobId, row: RowIndex) -> Result<Vec<LedgerRow>> {
        self.read((job, row), |db, asked| Box::pin(rows::history(db, asked))).await
    }

    async fn verify(&self, job: JobId) -> Result<Verify> {
        let work: Operation<_, Verify> = |db, job| Box::pin(verify::verify(db, job));
        self.pool.run(Kind::Snapshot, Which::Any, job, work).await
    }

    async fn record(&self, event: NewEvent) -> Result<Event> {
        self.write(event, |db, event| Box::pin(events::record(db, event))).await
    }

    async fn events(&self, job: Option<JobId>, after: u64, limit: usize) -> Result<Vec<Event>> {
        self.read((job, after, limit), |db, asked| Box::pin(events::page(db, asked))).await
    }

    async fn last_event(&self) -> Result<u64> {
        self.read((), |db, ()| Box::pin(events::last(db))).await
    }

    async fn version(&self) -> Result<u64> {
        self.read((), |db, ()| Box::pin(picture::version(db))).await
    }

    async fn totals(&self) -> Result<Totals> {
        self.read((), |db, ()| Box::pin(jobs::totals(db))).await
    }

    async fn sums(&self, today_from: UnixMs) -> Result<Sums> {
        self.read(today_from, |db, from| Box::pin(jobs::sums(db, from))).await
    }

    async fn creators(&self, query: &CreatorQuery) -> Result<Vec<Creator>> {
        self.read(query.clone(), |db, query| Box::pin(rows::creators(db, query))).await
    }

    async fn history_page(
        &self,
        job: JobId,
        after: Option<(RowIndex, u32)>,
        limit: usize,
    ) -> Result<Vec<LedgerRow>> {
        self.read((job, after, limit), |db, asked| Box::pin(moving::history_page(db, asked))).await
    }

    async fn take_in(&self, part: Moving) -> Result<()> {
        let work: Operation<_, ()> = |db, part| Box::pin(moving::take_in(db, part));
        self.pool.run(Kind::LongTransaction, Which::Any, part, work).await
    }

    async fn reserve(&self, key: &str, fingerprint: &str, now: UnixMs) -> Result<Reservation> {
        let asked = (key.to_owned(), fingerprint.to_owned(), now);
        self.write(asked, |db, asked| Box::pin(answers::reserve(db, asked))).await
    }

    async fn keep_answer(&self, key: &str, answer: Option<(u16, String)>) -> Result<()> {
        self.write((key.to_owned(), answer), |db, asked| Box::pin(answers::keep(db, asked))).await
    }

    async fn sizes(&self) -> Result<Vec<(String, u64)>> {
        self.read((), |db, ()| Box::pin(picture::sizes(db))).await
    }

    async fn ping(&self) -> Result<()> {
        self.write((), |db, ()| Box::pin(picture::ping(db))).await
    }
}
