//! Jobs move from one store to another: finished ones, half-done ones, and what they have added.
//!
//! **Promise.** A job over there is the job that was here: input, ledger, history, timeline, creators,
//! what its hooks are to be told, and its place. It is checked over there before anything changes here; then an unfinished job is
//! cancelled here, so that nobody does its rows twice. Nothing is deleted.
//!
//! **When it is interrupted.** A job that is not whole over there is paused and says so; running the
//! move again begins it anew. One that is whole is left as it is, however far it has gone on since.

use onward_core::event::Event;
use onward_core::hook::Delivery;
use onward_core::id::RowIndex;
use onward_core::input::{Duplicates, spans};
use onward_core::job::{Go, Job};
use onward_core::problem::{Code, Problem};
use onward_core::state::Step;
use onward_core::store::{
    BEING_MOVED, Command, CreatorQuery, DeliveryQuery, JobQuery, LedgerRow, Moving, NewJob, RowQuery, Store,
    StoreError,
};

use crate::clock;
use crate::input::work_digest;
use crate::mishap;

/// Records, events or creators carried at a time: a few megabytes.
const PAGE: usize = 2_000;
/// Jobs listed at a time.
const JOBS: usize = 100;
/// In whose name jobs are cancelled here once they are over there.
const ACTOR: &str = "move";

/// What a move did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Jobs that are over there now.
    pub jobs: u64,
    /// Jobs that were there already.
    pub before: u64,
    /// Jobs whose input is gone: they stay here.
    pub left: u64,
}

/// Moves all jobs and creators. `tell` hears of each job that has moved.
///
/// # Errors
/// When a worker lives on the store they come from, when a store does not answer, or when a job over
/// there is not what it was here.
pub async fn move_all(from: &dyn Store, to: &dyn Store, tell: impl Fn(&Job)) -> Result<Moved, Problem> {
    nobody_works(from).await?;
    // What a killed worker held is in doubt there, and so it is here.
    from.release_all(clock::now()).await.map_err(mishap::problem)?;
    let mut moved = Moved::default();
    let mut query = JobQuery { limit: JOBS, ..JobQuery::default() };
    loop {
        let jobs = from.jobs(&query).await.map_err(mishap::problem)?;
        let Some(last) = jobs.last() else { break };
        query.before = Some(last.id);
        for job in jobs {
            match move_job(from, to, &job).await? {
                Way::Moved => moved.jobs += 1,
                Way::WasThere => moved.before += 1,
                Way::InputGone => {
                    moved.left += 1;
                    continue;
                }
            }
            tell(&job);
        }
    }
    creators(from, to).await?;
    Ok(moved)
}

enum Way {
    Moved,
    WasThere,
    InputGone,
}

async fn nobody_works(from: &dyn Store) -> Result<(), Problem> {
    let now = clock::now();
    let workers = from.workers(now).await.map_err(mishap::problem)?;
    match workers.iter().find(|worker| !worker.is_lost(now)) {
        None => Ok(()),
        Some(worker) => Err(Problem::new(
            Code::JobRunning,
            format!(
                "worker {} (process {} on {}) works on the store that is to be left; stop it, then move",
                worker.id, worker.pid, worker.host
            ),
        )),
    }
}

async fn move_job(from: &dyn Store, to: &dyn Store, job: &Job) -> Result<Way, Problem> {
    if let Some(there) = to.job(job.id).await.map_err(mishap::problem)? {
        if there.pause.as_ref().is_none_or(|pause| pause.message != BEING_MOVED) {
            close(from, job, &there).await?;
            return Ok(Way::WasThere);
        }
        let begun = command(&there);
        to.command(&begun).await.map_err(mishap::problem)?;
        to.delete_job(job.id).await.map_err(mishap::problem)?;
    }
    if !job.input.available {
        return Ok(Way::InputGone);
    }
    input(from, to, job).await?;
    to.take_in(Moving::Begin(NewJob {
        id: job.id,
        name: job.name.clone(),
        input: job.input.id,
        recipe: job.recipe.clone(),
        work_digest: work_digest(&job.input.sha256, &job.recipe),
        actor: ACTOR.to_owned(),
        now: job.created_at,
        first: None,
    }))
    .await
    .map_err(mishap::problem)?;
    carry(from, to, job).await.map_err(mishap::problem)?;
    to.take_in(Moving::End(Box::new(job.clone()))).await.map_err(mishap::problem)?;
    let there = checked(to, job).await?;
    close(from, job, &there).await?;
    Ok(Way::Moved)
}

/// The CSV, chunk by chunk. One that is there already, for another job over it, stays.
async fn input(from: &dyn Store, to: &dyn Store, job: &Job) -> Result<(), Problem> {
    let id = job.input.id;
    if to.input(id).await.map_err(mishap::problem)?.is_some() {
        return Ok(());
    }
    let gone = || crate::input::gone(job);
    let facts = from.input(id).await.map_err(mishap::problem)?.ok_or_else(gone)?;
    let mut repeats = Duplicates::default();
    for (no, _, _) in spans(job.total) {
        let (chunk, duplicates) = from.chunk(id, no).await.map_err(mishap::problem)?.ok_or_else(gone)?;
        repeats.pairs.extend(duplicates.pairs);
        to.put_chunk(id, chunk).await.map_err(mishap::problem)?;
    }
    to.seal_input(&facts, &repeats, clock::now()).await.map_err(mishap::problem)
}

async fn carry(from: &dyn Store, to: &dyn Store, job: &Job) -> Result<(), StoreError> {
    let id = job.id;
    let mut after = None;
    loop {
        let query =
            RowQuery { job: id, outcome: None, code: None, text: None, after, until: None, limit: PAGE };
        let rows = from.rows(&query).await?;
        let Some(last) = rows.last() else { break };
        after = Some(last.index);
        to.take_in(Moving::Rows(id, rows)).await?;
    }
    let mut after = None;
    loop {
        let rows = from.history_page(id, after, PAGE).await?;
        let Some(LedgerRow { index, generation, .. }) = rows.last() else { break };
        after = Some((RowIndex(index.0), *generation));
        to.take_in(Moving::History(id, rows)).await?;
    }
    let mut after = None;
    loop {
        let doubts = from.doubts(id, after, PAGE).await?;
        let Some(last) = doubts.last() else { break };
        after = Some(last.row);
        to.take_in(Moving::Doubts(id, doubts)).await?;
    }
    let mut deliveries = Vec::new();
    loop {
        let before = deliveries.last().map(|last: &Delivery| last.no);
        let page = from.deliveries(&DeliveryQuery { job: id, before, limit: PAGE }).await?;
        if page.is_empty() {
            break;
        }
        deliveries.extend(page);
    }
    deliveries.reverse();
    to.take_in(Moving::Deliveries(id, deliveries)).await?;
    let mut after = 0;
    loop {
        let events = from.events(Some(id), after, PAGE).await?;
        let Some(Event { seq, .. }) = events.last() else { break };
        after = *seq;
        to.take_in(Moving::Events(id, events)).await?;
    }
    Ok(())
}

async fn creators(from: &dyn Store, to: &dyn Store) -> Result<(), Problem> {
    let mut query = CreatorQuery { limit: PAGE, ..CreatorQuery::default() };
    loop {
        let page = from.creators(&query).await.map_err(mishap::problem)?;
        let Some(last) = page.last() else { return Ok(()) };
        query.after = Some((last.table.clone(), last.key.clone()));
        to.take_in(Moving::Creators(page)).await.map_err(mishap::problem)?;
    }
}

/// The job over there, once it is known to be the one that was here. Its creators come later.
async fn checked(to: &dyn Store, job: &Job) -> Result<Job, Problem> {
    let there = to.job(job.id).await.map_err(mishap::problem)?.ok_or_else(|| mishap::not_found(job.id))?;
    let found = to.verify(job.id).await.map_err(mishap::problem)?;
    let same = there.tally == job.tally
        && found.ledger == job.tally
        && there.checkpoint.low_water == job.checkpoint.low_water
        && there.total == job.total;
    if same {
        return Ok(there);
    }
    let detail = format!(
        "job {} is not the same over there ({} of {} rows, here {}); nothing was changed here",
        job.id,
        there.tally.processed(),
        there.total,
        job.tally.processed()
    );
    Err(Problem::new(Code::StoreCorrupt, detail))
}

/// Nobody does the rest of the job here any more.
async fn close(from: &dyn Store, job: &Job, there: &Job) -> Result<(), Problem> {
    if !job.state.is_active() || there.tally.processed() < job.tally.processed() {
        return Ok(());
    }
    from.command(&command(job)).await.map(drop).map_err(mishap::problem)
}

fn command(job: &Job) -> Command {
    let (step, actor, now) = (Step::ForceCancel, ACTOR.to_owned(), clock::now());
    Command { job: job.id, step, epoch: None, actor, now, pause: None, error: None, go: Go::Fully }
}
