//! Finds a page of rows in a job of any size, forwards or backwards, in bounded time.
//!
//! Without a search the store's own order and index find the page at once. With one, records have to
//! be read until enough match. That is done span by span, over those spans alone whose counters say
//! that they can have a match, and for no longer than [`PATIENCE`]: what was not looked at yet is said,
//! and the next page goes on there.

use std::collections::VecDeque;
use std::time::Duration;

use onward_core::id::{JobId, RowIndex, SpanNo};
use onward_core::input::span_of;
use onward_core::row::Outcome;
use onward_core::store::{LedgerRow, RowQuery, SpanFact, SpanQuery, Store, Walk};
use tokio::time::Instant;

use crate::problem::Result;
use crate::web::rows_filter::{Place, RowsFilter};

/// Rows a page: fits two screens and keeps the page small.
pub(crate) const ROWS_A_PAGE: usize = 50;
/// How long a page looks for matches before it shows what it has: no part is begun that would not end by then, going
/// by how long the last one took.
const PATIENCE: Duration = Duration::from_millis(8);
/// Records read between two looks at the clock.
const RECORDS_A_LOOK: u64 = 4_000;
/// Spans read at once, and in one part at most: where matches are far apart the clock is looked at all the same.
const SPANS_A_READ: usize = 256;

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
        // The index knows where rows of the other outcomes are; added ones may be far apart.
        Place::From(from) if !filter.looks_inside() && filter.outcome != Some(Outcome::Added) => {
            first(store, job, filter, from).await
        }
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
    let mut candidates = Candidates::new(store, job, filter, Walk::On(span_of(from)));
    let mut rows = Vec::new();
    while rows.len() <= ROWS_A_PAGE {
        let part = Instant::now();
        let Some((head, tail)) = candidates.part().await? else { break };
        let begin = RowIndex(head.first.0.max(from.0));
        let until = RowIndex(end(&tail) - 1);
        rows.extend(store.rows(&query(job, filter, begin, Some(until), ROWS_A_PAGE + 1 - rows.len())).await?);
        if time_is_up(begun, part) && rows.len() <= ROWS_A_PAGE {
            let stopped_at = candidates.peek().await?.map(|next| next.first);
            return Ok(forward_page(rows, from, stopped_at));
        }
    }
    Ok(forward_page(rows, from, None))
}

async fn backwards(store: &dyn Store, job: JobId, filter: &RowsFilter, before: RowIndex) -> Result<Found> {
    let begun = Instant::now();
    // Nothing stands before the first row.
    let Some(last) = before.0.checked_sub(1) else { return Ok(backward_page(Vec::new(), before, None)) };
    let mut candidates = Candidates::new(store, job, filter, Walk::Back(span_of(RowIndex(last))));
    // Newest part first; each is in row order.
    let mut rows: Vec<LedgerRow> = Vec::new();
    while rows.len() <= ROWS_A_PAGE {
        let part = Instant::now();
        let Some((tail, head)) = candidates.part().await? else { break };
        let until = RowIndex(end(&tail).min(before.0) - 1);
        let mut found = store.rows(&query(job, filter, head.first, Some(until), usize::MAX)).await?;
        found.append(&mut rows);
        rows = found;
        if time_is_up(begun, part) && rows.len() <= ROWS_A_PAGE && candidates.peek().await?.is_some() {
            return Ok(backward_page(rows, before, Some(head.first)));
        }
    }
    Ok(backward_page(rows, before, None))
}

/// Spans that can hold a match, one way through a job, read some at a time.
struct Candidates<'a> {
    store: &'a dyn Store,
    /// What is asked next; `None` when there is nothing more.
    next: Option<SpanQuery>,
    known: VecDeque<SpanFact>,
    outcome: Option<Outcome>,
    /// Records to look at in one part.
    wanted: u64,
}

impl<'a> Candidates<'a> {
    fn new(store: &'a dyn Store, job: JobId, filter: &RowsFilter, walk: Walk) -> Self {
        let wanted = if filter.looks_inside() { RECORDS_A_LOOK } else { ROWS_A_PAGE as u64 + 1 };
        let query = SpanQuery { job, outcome: filter.outcome, walk, limit: SPANS_A_READ };
        Self { store, next: Some(query), known: VecDeque::new(), outcome: filter.outcome, wanted }
    }

    /// The next one, which stays the next one.
    async fn peek(&mut self) -> Result<Option<SpanFact>> {
        if self.known.is_empty()
            && let Some(query) = self.next.take()
        {
            let spans = self.store.spans_with(&query).await?;
            let last = spans.last().filter(|_| spans.len() == query.limit).map(SpanFact::no);
            let walk = last.and_then(|last| match query.walk {
                Walk::On(_) => Some(Walk::On(SpanNo(last.0 + 1))),
                Walk::Back(_) => last.0.checked_sub(1).map(|no| Walk::Back(SpanNo(no))),
            });
            self.next = walk.map(|walk| SpanQuery { walk, ..query });
            self.known = spans.into();
        }
        Ok(self.known.front().copied())
    }

    /// The first and the last of the next ones that hold about so many records together as are wanted, of those that
    /// were read together.
    async fn part(&mut self) -> Result<Option<(SpanFact, SpanFact)>> {
        let Some(first) = self.peek().await? else { return Ok(None) };
        let (mut last, mut records) = (first, 0);
        while records < self.wanted
            && let Some(next) = self.known.pop_front()
        {
            records += next.ended(self.outcome);
            last = next;
        }
        Ok(Some((first, last)))
    }
}

fn end(span: &SpanFact) -> u32 {
    span.first.0 + span.rows
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
