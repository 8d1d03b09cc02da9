//! The commit: the one way outcomes come into the ledger.
//!
//! The fence is compared first, and the span is written only under the same epoch, all in one
//! transaction. Counters grow by what was inserted, never by what was sent. The statements of a row are
//! prepared once for the connection, and nothing is allocated for a row.

use onward_core::clock::UnixMs;
use onward_core::id::{Epoch, RowIndex};
use onward_core::lease::renewed;
use onward_core::row::{ALREADY_THERE, ALREADY_THERE_MESSAGE, Outcome, RowRecord};
use onward_core::store::{Commit, Committed, StoreError};
use onward_core::tally::Tally;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::failure::{Answer, Fail};
use super::head::{Head, head, key};
use super::values::{epoch, int, outcome_code, reason, row_index, tally};
use super::{doubts, sql, work};

/// Records outcomes under the fence.
pub(super) fn commit(db: &Connection, commit: &Commit) -> Answer<Committed> {
    let key = key(db, commit.job)?;
    let span = held(db, key, commit)?;
    if let Some(row) = commit.rows.iter().find(|row| row.index < span.first || row.index >= span.end) {
        let (row, no) = (row.index.row(), commit.span);
        return Err(StoreError::Corrupt(format!("row {row} is not of span {no}; nothing was written")).into());
    }
    let inserted = insert_rows(db, key, span.generation, commit)?;
    let mut sum = span.tally;
    sum += inserted;
    let span_done = sum.processed() == u64::from(span.end.0 - span.first.0);
    write_span(db, key, commit, &span, sum, inserted)?;
    doubts::note_trial(db, key, commit, span.first, span.end)?;
    let mut job_done = false;
    if span_done {
        let unfinished: bool = db.prepare_cached(sql::SPAN_UNFINISHED)?.query_row([key], |row| row.get(0))?;
        job_done = !unfinished;
    }
    if job_done {
        let mut head = job(db, commit)?;
        head.complete(db, &span.actor(), commit.now)?;
    }
    let inserted = u32::try_from(inserted.processed()).expect("a span has fewer rows than a u32 counts");
    Ok(Committed { inserted, tally: sum, span_done, job_done })
}

/// A span held under the epoch of the commit.
struct Held {
    first: RowIndex,
    end: RowIndex,
    low_water: RowIndex,
    claimed_until: RowIndex,
    tally: Tally,
    worker: String,
    generation: u32,
    until: UnixMs,
}

impl Held {
    fn actor(&self) -> String {
        format!("worker {}", self.worker)
    }
}

fn held(db: &Connection, key: i64, commit: &Commit) -> Answer<Held> {
    let mut statement = db.prepare_cached(sql::SPAN_TO_COMMIT)?;
    let read = |row: &rusqlite::Row<'_>| {
        let first = row.get(1)?;
        let span = Held {
            first: RowIndex(first),
            end: RowIndex(first + row.get::<_, u32>(2)?),
            low_water: row_index(row.get(3)?),
            claimed_until: row_index(row.get(4)?),
            tally: tally(row, 5)?,
            worker: row.get(9)?,
            generation: row.get(10)?,
            until: UnixMs(row.get(11)?),
        };
        Ok((epoch(row.get(0)?), span))
    };
    match statement.query_row(params![key, commit.span.0], read).optional()? {
        Some((found, span)) if passes(found, commit.epoch) => Ok(span),
        Some(_) | None => Err(work::fenced(db, commit.job, key, commit.span)?),
    }
}

/// The fence.
fn passes(found: Epoch, believed: Epoch) -> bool {
    found == believed
}

fn insert_rows(db: &Connection, key: i64, generation: u32, commit: &Commit) -> Answer<Tally> {
    let mut statements = Statements {
        outcome: db.prepare_cached(sql::OUTCOME_INSERT)?,
        creator: db.prepare_cached(sql::CREATOR_INSERT)?,
        already_there: db.prepare_cached(sql::OUTCOME_ALREADY_THERE)?,
    };
    let epoch = int(commit.epoch.0);
    let mut inserted = Tally::default();
    for record in commit.rows.iter() {
        if let Some(outcome) = statements.insert(key, epoch, generation, record, commit.now)? {
            inserted.count(outcome);
        }
    }
    Ok(inserted)
}

/// What a row costs: one insert, two with a creator, three when the creator is there already.
struct Statements<'db> {
    outcome: CachedStatement<'db>,
    creator: CachedStatement<'db>,
    already_there: CachedStatement<'db>,
}

impl Statements<'_> {
    /// The outcome that was recorded; `None` when the row had one already.
    fn insert(
        &mut self,
        key: i64,
        epoch: i64,
        generation: u32,
        record: &RowRecord,
        now: UnixMs,
    ) -> Answer<Option<Outcome>> {
        let verdict = &record.verdict;
        let (code, message) = reason(verdict.outcome, &verdict.code, &verdict.message);
        let inserted = self.outcome.execute(params![
            key,
            record.index.0,
            outcome_code(verdict.outcome),
            (!record.key.is_empty()).then_some(&*record.key),
            record.finished_at.0,
            epoch,
            generation,
            record.tries,
            int(record.duration_ms),
            code,
            message,
            verdict.result.as_deref(),
        ])?;
        if inserted == 0 {
            return Ok(None);
        }
        let (Outcome::Added, Some(creator)) = (verdict.outcome, &verdict.creator) else {
            return Ok(Some(verdict.outcome));
        };
        let row = record.index.0;
        let added =
            self.creator.execute(params![&*creator.table, &*creator.key, &*creator.data, key, row, now.0])?;
        if added == 1 {
            return Ok(Some(Outcome::Added));
        }
        self.already_there.execute(params![key, row, ALREADY_THERE, ALREADY_THERE_MESSAGE])?;
        Ok(Some(Outcome::Skipped))
    }
}

fn write_span(
    db: &Connection,
    key: i64,
    commit: &Commit,
    span: &Held,
    sum: Tally,
    inserted: Tally,
) -> Answer<()> {
    // Only an outcome that became durable moves the beat; a renewal must not hide that nothing finishes.
    let beat = (inserted.processed() > 0).then_some(commit.now.0);
    let counters = [sum.added, sum.failed, sum.skipped, sum.filtered].map(int);
    let [added, failed, skipped, filtered] = counters;
    let (no, epoch) = (commit.span.0, int(commit.epoch.0));
    let written = if sum.processed() == u64::from(span.end.0 - span.first.0) {
        let mut finish = db.prepare_cached(sql::SPAN_FINISH)?;
        finish.execute(params![key, no, epoch, added, failed, skipped, filtered, beat])?
    } else {
        // A commit that is sent again late must not take back what a later one has moved.
        let low_water = commit.low_water.max(span.low_water).min(span.end);
        let claimed_until = commit.claimed_until.max(span.claimed_until).min(span.end);
        let (row, since) = commit.waiting.map(|waiting| (waiting.row.0, waiting.since.0)).unzip();
        db.prepare_cached(sql::SPAN_COMMIT)?.execute(params![
            key,
            no,
            epoch,
            added,
            failed,
            skipped,
            filtered,
            low_water.0,
            claimed_until.0,
            beat,
            renewed(span.until, commit.now).0,
            row,
            since,
            commit.rests_until.map(|until| until.0),
        ])?
    };
    if written == 1 { Ok(()) } else { Err(work::fenced(db, commit.job, key, commit.span)?) }
}

fn job(db: &Connection, commit: &Commit) -> Answer<Head> {
    head(db, commit.job)?.ok_or(Fail::Refused(StoreError::NotFound(commit.job)))
}
