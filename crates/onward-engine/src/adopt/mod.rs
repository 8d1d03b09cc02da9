//! A job that begins in the middle: somebody else's tool has done some of its rows.
//!
//! **Promise.** What the evidence says was done is recorded as done, each row with where that is known
//! from; everything else is done. Evidence that does not fit the file is refused, with the first place
//! where it does not, and nothing is kept. The job is whole before anybody can take it up.

mod joblog;
mod results;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use onward_core::clock::UnixMs;
use onward_core::id::{Epoch, InputId, JobId, RowIndex};
use onward_core::input::{InputRow, InputSummary, spans};
use onward_core::job::Job;
use onward_core::problem::{Code, Problem};
use onward_core::row::Outcome;
use onward_core::state::JobState;
use onward_core::store::{BEING_MOVED, CreatorQuery, LedgerRow, Moving, NewJob, Store, StoreError};

use crate::attach::Intent;
use crate::clock;
use crate::handle::Submission;
use crate::input::{Source, discard, read_span, sealed_job};
use crate::mishap;

/// Records or creators carried at a time.
const PAGE: usize = 2_000;

/// How it is known which rows are done.
#[derive(Debug, Clone)]
pub enum Evidence {
    /// The log that GNU parallel writes with `--joblog`.
    Joblog(PathBuf),
    /// A CSV with the key of each row and a column that says whether it is done.
    Results {
        /// The file.
        file: PathBuf,
        /// The column; `onward_outcome` or `status` when left out.
        status: Option<String>,
        /// What the column says of a row that is done; the usual words when empty.
        done: Vec<String>,
    },
    /// So many rows from the first on: only right when they were done in order.
    Count(u64),
    /// The creators that are in the recipe's list already.
    List,
}

/// What is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adopted {
    /// Rows of the file.
    pub total: u64,
    /// Rows that are taken as done.
    pub done: u64,
    /// The first row that is left, from 1.
    pub from_row: Option<u64>,
}

/// A row that is taken as done, and how that is known.
pub(crate) struct Proof {
    pub(crate) outcome: Outcome,
    pub(crate) message: String,
    pub(crate) finished_at: UnixMs,
    pub(crate) duration_ms: u64,
}

/// Reads the file and the evidence; makes the job unless it is only asked what would be taken over.
pub(crate) async fn adopt(
    store: &Arc<dyn Store>,
    submission: Submission,
    needs: &[String],
    evidence: &Evidence,
    intent: Intent,
) -> Result<(Adopted, Option<Job>), Problem> {
    let (summary, job) = sealed_job(store, &submission, needs).await?;
    let records = match records(store, &submission, &summary, evidence).await {
        Ok(records) => records,
        Err(problem) => {
            discard(store, summary.id).await;
            return Err(problem);
        }
    };
    let adopted = adopted(&summary, &records);
    if intent != Intent::Attach {
        discard(store, summary.id).await;
        return Ok((adopted, None));
    }
    begin(store, job, records).await.map(|job| (adopted, Some(job)))
}

fn adopted(summary: &InputSummary, records: &[LedgerRow]) -> Adopted {
    let indices: BTreeSet<RowIndex> = records.iter().map(|row| row.index).collect();
    let mut rows = (0..u32::try_from(summary.rows).unwrap_or(u32::MAX)).map(RowIndex);
    let from_row = rows.find(|row| !indices.contains(row)).map(RowIndex::row);
    Adopted { total: summary.rows, done: records.len() as u64, from_row }
}

/// Makes the job, with its records.
async fn begin(store: &Arc<dyn Store>, job: NewJob, records: Vec<LedgerRow>) -> Result<Job, Problem> {
    let (id, now, input, actor) = (job.id, job.now, job.input, job.actor.clone());
    match store.take_in(Moving::Begin(job)).await {
        Ok(()) => {}
        // The answer was lost, and the job says itself that it has begun.
        Err(StoreError::Unknown(_)) if matches!(store.job(id).await, Ok(Some(_))) => {}
        Err(error) => {
            // An unanswered beginning may have happened; its input then must stay.
            if !matches!(error, StoreError::Unknown(_)) {
                discard(store, input).await;
            }
            return Err(mishap::problem(error));
        }
    }
    match fill(store, id, records, now, actor).await {
        Ok(job) => Ok(job),
        // It may be whole, and at work already: it stays, and the next look shows which it was.
        Err(error @ StoreError::Unknown(_)) => Err(mishap::problem(error)),
        Err(error) => {
            // Half of it is there: paused, and of no use to anybody. Its input goes with it.
            if let Err(error) = remove(store, id).await {
                tracing::warn!(job.id = %id, %error, "a job that was not taken over whole stays, paused");
            }
            Err(mishap::problem(error))
        }
    }
}

async fn fill(
    store: &Arc<dyn Store>,
    id: JobId,
    records: Vec<LedgerRow>,
    now: UnixMs,
    actor: String,
) -> Result<Job, StoreError> {
    let done = records.len() as u64;
    let mut records = records.into_iter();
    loop {
        let page: Vec<LedgerRow> = records.by_ref().take(PAGE).collect();
        if page.is_empty() {
            break;
        }
        match store.take_in(Moving::Rows(id, page.clone())).await {
            // What is there already changes nothing.
            Err(StoreError::Unknown(_)) => store.take_in(Moving::Rows(id, page)).await?,
            answer => answer?,
        }
    }
    let mut job = store.job(id).await?.ok_or(StoreError::NotFound(id))?;
    let whole = done == job.total;
    job.state = if whole { JobState::Completed } else { JobState::Queued };
    job.finished_at = whole.then_some(now);
    job.pause = None;
    job.checkpoint.saved_at = Some(now);
    let ended = store.take_in(Moving::Adopted { job: Box::new(job), actor }).await;
    match (ended, store.job(id).await) {
        (Ok(()), Ok(job)) => job.ok_or(StoreError::NotFound(id)),
        // It is whole, and only cannot be read.
        (Ok(()), Err(error)) => Err(StoreError::Unknown(error.to_string())),
        // It was the answer alone that was lost.
        (Err(StoreError::Unknown(_)), Ok(Some(job))) if !is_being_moved(&job) => Ok(job),
        (Err(error), _) => Err(error),
    }
}

/// Whether a job is not whole yet.
fn is_being_moved(job: &Job) -> bool {
    job.pause.as_ref().is_some_and(|pause| pause.message == BEING_MOVED)
}

async fn remove(store: &Arc<dyn Store>, id: JobId) -> Result<(), StoreError> {
    let command = onward_core::store::Command {
        job: id,
        step: onward_core::state::Step::ForceCancel,
        epoch: None,
        actor: String::from("adopt"),
        now: clock::now(),
        pause: None,
        error: None,
        go: onward_core::job::Go::Fully,
    };
    store.command(&command).await?;
    store.delete_job(id).await
}

/// What the evidence says of each row of the file.
async fn records(
    store: &Arc<dyn Store>,
    submission: &Submission,
    summary: &InputSummary,
    evidence: &Evidence,
) -> Result<Vec<LedgerRow>, Problem> {
    let rows = rows(store, summary).await?;
    let mut proofs = match evidence {
        Evidence::Joblog(path) => joblog::proofs(path, &rows, submission)?,
        Evidence::Results { file, status, done } => {
            results::proofs(store, submission, file, status.as_deref(), done, &rows).await?
        }
        Evidence::Count(count) => counted(*count, summary.rows)?,
        Evidence::List => listed(store, submission, &rows).await?,
    };
    // What the intake decides is decided, whatever anybody says of it.
    proofs.retain(|(row, _)| rows[row.0 as usize].decided.is_none());
    let record = |(index, proof): (RowIndex, Proof)| LedgerRow {
        index,
        key: rows[index.0 as usize].key.to_string(),
        outcome: proof.outcome,
        code: String::from("adopted"),
        message: proof.message,
        result: None,
        tries: 0,
        duration_ms: proof.duration_ms,
        finished_at: proof.finished_at,
        epoch: Epoch::default(),
        generation: 0,
    };
    Ok(proofs.into_iter().map(record).collect())
}

async fn rows(store: &Arc<dyn Store>, summary: &InputSummary) -> Result<Vec<Arc<InputRow>>, Problem> {
    let mut rows = Vec::with_capacity(usize::try_from(summary.rows).unwrap_or_default());
    for (no, _, _) in spans(summary.rows) {
        let span = read_span(&**store, summary.id, no).await;
        rows.extend(
            span.map_err(|_| Problem::new(Code::StoreUnavailable, "the file was not kept; try again"))?,
        );
    }
    Ok(rows)
}

fn counted(count: u64, total: u64) -> Result<Vec<(RowIndex, Proof)>, Problem> {
    if count > total {
        let detail = format!("{count} rows cannot be done: the file has {total}");
        return Err(Problem::new(Code::InvalidParameter, detail));
    }
    let proof = |row| {
        let message = format!("taken as done: it is among the first {count} rows");
        let proof = Proof { outcome: Outcome::Added, message, finished_at: clock::now(), duration_ms: 0 };
        (RowIndex(row), proof)
    };
    Ok((0..u32::try_from(count).unwrap_or(u32::MAX)).map(proof).collect())
}

/// Rows whose creator is in the list already.
async fn listed(
    store: &Arc<dyn Store>,
    submission: &Submission,
    rows: &[Arc<InputRow>],
) -> Result<Vec<(RowIndex, Proof)>, Problem> {
    let Some(add) = &submission.recipe.add else {
        let detail = "the recipe adds to no list of creators ([add] table), so there is none to look into";
        return Err(Problem::new(Code::InvalidParameter, detail));
    };
    let mut there = std::collections::BTreeMap::new();
    let table = Some(add.table.clone());
    let mut query = CreatorQuery { table, limit: PAGE, ..CreatorQuery::default() };
    loop {
        let page = store.creators(&query).await.map_err(mishap::problem)?;
        let Some(last) = page.last() else { break };
        query.after = Some((last.table.clone(), last.key.clone()));
        there.extend(page.into_iter().map(|creator| (creator.key, creator.added_at)));
    }
    let proof = |row: &Arc<InputRow>| {
        let finished_at = *there.get(&*row.key)?;
        let message = format!("it is in the list {} already", add.table);
        Some((row.index, Proof { outcome: Outcome::Skipped, message, finished_at, duration_ms: 0 }))
    };
    Ok(rows.iter().filter(|row| !row.key.is_empty()).filter_map(proof).collect())
}

/// A file of evidence, as a source for the intake.
fn source(file: &std::path::Path) -> (InputId, Source) {
    (InputId(uuid::Uuid::now_v7()), Source::File(file.to_owned()))
}
