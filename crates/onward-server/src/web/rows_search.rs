//! Finds a page of rows in a job of any size, forwards or backwards, in bounded time.
//!
//! Without a search the store's own order and index find the page at once. With one, records have to
//! be read until enough match. That is done span by span, over those spans alone whose counters say
//! that they can have a match, and for no longer than [`PATIENCE`]: what was not looked at yet is said,
//! and the next page goes on there.

use std::time::Duration;

use onward_core::id::{JobId, RowIndex};
use onward_core::store::{LedgerRow, RowQuery, SpanFact, Store};
use tokio::time::Instant;

use crate::problem::Result;
use crate::web::rows_filter::{Place, RowsFilter};

/// Rows a page: fits two screens and keeps the page small.
pub(crate) const ROWS_A_PAGE: usize = 50;
/// How long a page looks for matches before it shows what it has: no part is begun that would not end by then, going
/// by how long the last one took.
const PATIENCE: Duration = Duration::from_millis(20);
/// Records read between two looks at the clock.
const RECORDS_A_LOOK: u64 = 4_000;

/// A page of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// In row order.
    pub(crate) rows: Vec<LedgerRow>,
    /// Where the page before it is.
    pub(crate) earlier: Option<Place>,
    /// Where the page after it is.
    pub(crate) later: Option<Place>,
    /// The row at which looking ended for want of time.
    pub(crate) stopped_at: Option<RowIndex>,
}

/// Whether another part like the one that began at `part` would end too late.
fn time_is_up(begun: Instant, part: Instant) -> bool {
    begun.elapsed() + part.elapsed() >= PATIENCE
}

/// Finds the page the filter names.
pub(crate) async fn find(store: &dyn Store, job: JobId, filter: &RowsFilter) -> Result<Found> {
    match filter.place {
        Place::From(from) if !filter.looks_inside() => first(store, job, filter, from).await,
        Place::From(from) => forwards(store, job, filter, from).await,
        Place::Before(before) => backwards(store, job, filter, before).await,
    }
}

fn query(job: JobId, filter: &RowsFilter, from: RowIndex, until: Option<RowIndex>, limit: usize) -> RowQuery {
    RowQuery {
        job,
        outcome: filter.outcome,
        code: filter.code.clone(),
        text: filter.search.clone(),
        after: from.0.checked_sub(1).map(RowIndex),
        until,
        limit,
    }
}

/// One query: every record in order is a match.
async fn first(store: &dyn Store, job: JobId, filter: &RowsFilter, from: RowIndex) -> Result<Found> {
    let rows = store.rows(&query(job, filter, from, None, ROWS_A_PAGE + 1)).await?;
    Ok(forward_page(rows, from, None))
}

async fn forwards(store: &dyn Store, job: JobId, filter: &RowsFilter, from: RowIndex) -> Result<Found> {
    let begun = Instant::now();
    let spans = store.spans(job).await?;
    let candidates: Vec<&SpanFact> =
        spans.iter().filter(|span| end(span) > from.0 && matches(span, filter) > 0).collect();
    let (mut rows, mut at) = (Vec::new(), 0);
    while at < candidates.len() && rows.len() <= ROWS_A_PAGE {
        let part = Instant::now();
        let taken = batch(candidates[at..].iter().copied(), filter, RECORDS_A_LOOK);
        let (head, tail) = (candidates[at], candidates[at + taken - 1]);
        let from = RowIndex(head.first.0.max(from.0));
        let until = RowIndex(end(tail) - 1);
        rows.extend(store.rows(&query(job, filter, from, Some(until), ROWS_A_PAGE + 1 - rows.len())).await?);
        at += taken;
        if time_is_up(begun, part) && at < candidates.len() && rows.len() <= ROWS_A_PAGE {
            return Ok(forward_page(rows, from_of(filter), Some(candidates[at].first)));
        }
    }
    Ok(forward_page(rows, from, None))
}

async fn backwards(store: &dyn Store, job: JobId, filter: &RowsFilter, before: RowIndex) -> Result<Found> {
    let begun = Instant::now();
    let spans = store.spans(job).await?;
    let candidates: Vec<&SpanFact> =
        spans.iter().rev().filter(|span| span.first.0 < before.0 && matches(span, filter) > 0).collect();
    // Newest batch first; each is in row order.
    let (mut rows, mut at): (Vec<LedgerRow>, usize) = (Vec::new(), 0);
    while at < candidates.len() && rows.len() <= ROWS_A_PAGE {
        let part = Instant::now();
        let wanted = if filter.looks_inside() { RECORDS_A_LOOK } else { ROWS_A_PAGE as u64 + 1 };
        let taken = batch(candidates[at..].iter().copied(), filter, wanted);
        let (last, first) = (candidates[at], candidates[at + taken - 1]);
        let until = RowIndex(end(last).min(before.0) - 1);
        let mut found = store.rows(&query(job, filter, first.first, Some(until), usize::MAX)).await?;
        found.append(&mut rows);
        rows = found;
        at += taken;
        if time_is_up(begun, part) && at < candidates.len() && rows.len() <= ROWS_A_PAGE {
            return Ok(backward_page(rows, before, Some(first.first)));
        }
    }
    Ok(backward_page(rows, before, None))
}

/// How many of the spans hold about so many records to look at; at least one.
fn batch<'a>(spans: impl Iterator<Item = &'a SpanFact>, filter: &RowsFilter, wanted: u64) -> usize {
    let (mut records, mut taken) = (0, 0);
    for span in spans {
        records += matches(span, filter);
        taken += 1;
        if records >= wanted {
            break;
        }
    }
    taken.max(1)
}

/// Records of a span that can match.
fn matches(span: &SpanFact, filter: &RowsFilter) -> u64 {
    filter.outcome.map_or_else(|| span.tally.processed(), |outcome| span.tally.of(outcome))
}

fn end(span: &SpanFact) -> u32 {
    span.first.0 + span.rows
}

fn from_of(filter: &RowsFilter) -> RowIndex {
    match filter.place {
        Place::From(row) | Place::Before(row) => row,
    }
}

fn forward_page(mut rows: Vec<LedgerRow>, from: RowIndex, stopped_at: Option<RowIndex>) -> Found {
    let more = rows.len() > ROWS_A_PAGE;
    rows.truncate(ROWS_A_PAGE);
    let next = rows.last().filter(|_| more).map(|last| RowIndex(last.index.0 + 1)).or(stopped_at);
    let earlier = (from.0 > 0).then(|| Place::Before(rows.first().map_or(from, |first| first.index)));
    Found { earlier, later: next.map(Place::From), stopped_at, rows }
}

fn backward_page(mut rows: Vec<LedgerRow>, before: RowIndex, stopped_at: Option<RowIndex>) -> Found {
    let surplus = rows.len().saturating_sub(ROWS_A_PAGE);
    rows.drain(..surplus);
    let earlier = rows.first().filter(|_| surplus > 0).map(|first| first.index).or(stopped_at);
    let later = rows.last().map_or(before, |last| RowIndex(last.index.0 + 1));
    Found { earlier: earlier.map(Place::Before), later: Some(Place::From(later)), stopped_at, rows }
}
