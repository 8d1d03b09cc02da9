//! Reads what the pictures of a job are made of: its row map, its trend, its last outcomes.

use onward_core::clock::UnixMs;
use onward_core::id::{InputId, JobId, RowIndex};
use onward_core::input::span_bounds;
use onward_core::job::Job;
use onward_core::row::Outcome;
use onward_core::row_map::{self, Cell, FINE_ROWS};
use onward_core::state::JobState;
use onward_core::store::{Heard, LedgerRow, Mark, RowQuery, Store};
use onward_core::trend::{Trend, trend};
use onward_engine::{Engine, Snapshot};

use crate::problem::Result;
use crate::web::reasons::{self, Reasons};

/// Cells of the row map.
const MOST_CELLS: usize = 400;
/// Records a large job's charts are drawn from: enough for sixty buckets, and a few milliseconds.
const SAMPLE: u64 = 1_200;
/// Outcomes in the tail.
const TAIL: usize = 50;
/// Spans looked at for the tail: those that are worked on now, or the last.
const TAIL_SPANS: usize = 3;

/// The pictures of a job.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    /// The job in at most 400 cells.
    pub(crate) cells: Vec<Cell>,
    /// How the attempt went; none when nothing has finished in it.
    pub(crate) trend: Option<Trend>,
    /// What the target answered, by minute and status.
    pub(crate) heard: Vec<Heard>,
    /// The last outcomes, newest first.
    pub(crate) tail: Vec<LedgerRow>,
    /// Failed rows by reason.
    pub(crate) failed: Reasons,
    /// The reasons of the others, for the chart of what rows ended with.
    pub(crate) others: Vec<(Outcome, Reasons)>,
}

/// What a picture is of. Whatever a person does to a job makes it another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PictureKey {
    job: JobId,
    input: InputId,
    state: JobState,
    attempt: u32,
    generation: u32,
}

impl PictureKey {
    /// Of a job as it is.
    pub(crate) fn of(job: &Job) -> Self {
        let Job { id, state, attempt, generation, .. } = *job;
        Self { job: id, input: job.input.id, state, attempt, generation }
    }
}

/// Whether the pictures are drawn from a sample, for which much is read.
pub(crate) fn is_large(job: &Job) -> bool {
    job.total > FINE_ROWS
}

/// Reads all of them.
pub(crate) async fn read(engine: &Engine, snapshot: &Snapshot) -> Result<Picture> {
    let (store, job) = (&**engine.store(), &snapshot.job);
    let every = if is_large(job) { job.total.div_ceil(SAMPLE) } else { 1 };
    let every = u32::try_from(every).unwrap_or(u32::MAX);
    let drawn = async {
        let (marks, cells) = if every == 1 {
            let marks = store.marks(job.id, every).await?;
            let cells = row_map::of_marks(job.total, &marks, MOST_CELLS);
            (marks, cells)
        } else {
            let (marks, spans) = tokio::try_join!(store.marks(job.id, every), store.spans(job.id))?;
            (marks, row_map::of_spans(&spans, MOST_CELLS))
        };
        let tail = tail(store, job, every, &marks).await?;
        Ok((cells, tail, marks))
    };
    let heard = async { Result::Ok(store.heard(job.id).await?) };
    let reasons = |outcome| reasons::read(engine, snapshot, outcome);
    // A database that is far away is asked for all of it at once.
    let ((cells, tail, marks), heard, failed, skipped, filtered) = tokio::try_join!(
        drawn,
        heard,
        reasons(Outcome::Failed),
        reasons(Outcome::Skipped),
        reasons(Outcome::Filtered)
    )?;
    let others = vec![(Outcome::Skipped, skipped), (Outcome::Filtered, filtered)];
    Ok(Picture { cells, trend: attempt(job, &marks, every, snapshot.at), heard, tail, failed, others })
}

/// The trend of the attempt, or of everything when the attempt has done nothing yet.
fn attempt(job: &Job, marks: &[Mark], every: u32, now: UnixMs) -> Option<Trend> {
    let last = marks.iter().map(|mark| mark.finished_at).max()?;
    let to = job.finished_at.unwrap_or(if job.state.is_active() { now } else { last }).max(last);
    let first = marks.iter().map(|mark| mark.finished_at).min()?;
    let begun = job.attempt_at.filter(|begun| *begun <= last);
    trend(marks, every, begun.unwrap_or(first), to)
}

/// The last outcomes: exactly those of a small job; of a large one, those of the spans that are
/// worked on now, or of its last spans.
async fn tail(store: &dyn Store, job: &Job, every: u32, marks: &[Mark]) -> Result<Vec<LedgerRow>> {
    let mut ranges: Vec<(RowIndex, RowIndex)> = Vec::new();
    if every == 1 {
        let mut latest: Vec<&Mark> = marks.iter().collect();
        latest.sort_by_key(|mark| (std::cmp::Reverse(mark.finished_at), std::cmp::Reverse(mark.index)));
        latest.truncate(TAIL);
        latest.sort_by_key(|mark| mark.index);
        for mark in latest {
            match ranges.last_mut() {
                Some((_, until)) if until.0 + 1 == mark.index.0 => *until = mark.index,
                _ => ranges.push((mark.index, mark.index)),
            }
        }
    } else {
        let leased = job.leases.iter().take(TAIL_SPANS).map(|lease| span_bounds(lease.span));
        ranges = leased.map(|(first, rows)| (first, RowIndex(first.0 + rows - 1))).collect();
        if ranges.is_empty() {
            let last = u32::try_from(job.checkpoint.low_water.max(1)).unwrap_or(u32::MAX);
            ranges.push((RowIndex(last.saturating_sub(200)), RowIndex(last - 1)));
        }
    }
    let mut tail = Vec::new();
    for (first, until) in ranges {
        tail.extend(store.rows(&between(job, first, until)).await?);
    }
    tail.sort_by_key(|row| (std::cmp::Reverse(row.finished_at), std::cmp::Reverse(row.index)));
    tail.truncate(TAIL);
    Ok(tail)
}

fn between(job: &Job, first: RowIndex, until: RowIndex) -> RowQuery {
    RowQuery {
        job: job.id,
        outcome: None,
        code: None,
        text: None,
        after: first.0.checked_sub(1).map(RowIndex),
        until: Some(until),
        limit: usize::MAX,
    }
}
