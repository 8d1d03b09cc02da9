//! Proving a job: everything that is derived is derived once more from the ledger, record by record,
//! and compared. What differs is said in a sentence each.

use onward_core::id::{JobId, RowIndex, SpanNo};
use onward_core::input::spans;
use onward_core::state::JobState;
use onward_core::store::Verify;
use onward_core::tally::Tally;
use rusqlite::{Connection, params};

use super::failure::Answer;
use super::head::{Head, existing};
use super::values::{count, int, outcome_of, row_index, tally};
use super::{inputs, sql, work};

/// Creators without an outcome named one by one, at most: the first few show the kind of damage.
const NAMED: i64 = 20;

/// Compares counters, checkpoint, ledger, creators and input.
pub(super) fn verify(db: &Connection, id: JobId) -> Answer<Verify> {
    let head = existing(db, id)?;
    let mut verify = Verify { rows: head.job.total, counters: head.job.tally, ..Verify::default() };
    check_spans(db, &head, &mut verify)?;
    check_ledger(db, &head, &mut verify)?;
    check_creators(db, &head, &mut verify)?;
    check_input(db, &head, &mut verify)?;
    Ok(verify)
}

struct Span {
    no: SpanNo,
    first: RowIndex,
    len: u32,
    state: String,
    low_water: RowIndex,
    tally: Tally,
}

fn check_spans(db: &Connection, head: &Head, verify: &mut Verify) -> Answer<()> {
    let mut statement = db.prepare_cached(sql::SPANS_OF_JOB)?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Span {
            no: SpanNo(row.get(0)?),
            first: row_index(row.get(1)?),
            len: row.get(2)?,
            state: row.get(3)?,
            low_water: row_index(row.get(4)?),
            tally: tally(row, 6)?,
        })
    };
    let stored: Vec<Span> = statement.query_map([head.key], read)?.collect::<rusqlite::Result<_>>()?;
    let expected: Vec<_> = spans(head.job.total).collect();
    if !stored.iter().map(|span| (span.no, span.first, span.len)).eq(expected.iter().copied()) {
        let (found, expected) = (stored.len(), expected.len());
        verify.problems.push(format!("the job has {found} spans; its rows need {expected}, or others"));
    }
    for span in &stored {
        check_span(db, head, span, verify)?;
    }
    Ok(())
}

fn check_span(db: &Connection, head: &Head, span: &Span, verify: &mut Verify) -> Answer<()> {
    let Span { no, first, len, state, low_water, tally } = span;
    let mut ledger = Tally::default();
    let mut counts = db.prepare_cached(sql::OUTCOME_COUNTS)?;
    let mut rows = counts.query(params![head.key, first.0, first.0 + len])?;
    while let Some(row) = rows.next()? {
        let (outcome, rows) = (outcome_of(row.get(0)?)?, count(row.get(1)?));
        ledger += tally_of(outcome, rows);
    }
    verify.ledger += ledger;
    let mut say = |problem: String| verify.problems.push(problem);
    if ledger != *tally {
        let (counted, found) = (tally.processed(), ledger.processed());
        say(format!("span {no} counts {counted} rows as done; the ledger has {found}, or others"));
    }
    if (state == "done") != (ledger.processed() == u64::from(*len)) {
        say(format!("span {no} is {state}; {} of its {len} rows have an outcome", ledger.processed()));
    }
    let first_missing = work::done_rows(db, head.key, *first, *len)?.low_water();
    if first_missing != *low_water {
        let (says, is) = (low_water.row(), first_missing.row());
        say(format!("the checkpoint of span {no} says row {says} is next; in the ledger it is row {is}"));
    }
    if state == "leased" && head.job.state != JobState::Running {
        say(format!("span {no} is held although the job is {}", head.job.state));
    }
    Ok(())
}

fn check_ledger(db: &Connection, head: &Head, verify: &mut Verify) -> Answer<()> {
    let total = head.job.total;
    let mut outside = db.prepare_cached(sql::OUTCOME_OUTSIDE)?;
    let beyond: i64 = outside.query_row(params![head.key, int(total)], |row| row.get(0))?;
    if beyond > 0 {
        verify.problems.push(format!("{beyond} records are of rows the input does not have ({total} rows)"));
    }
    let done = verify.ledger.processed();
    if head.job.state == JobState::Completed && done != total {
        verify.problems.push(format!("the job is completed; {done} of its {total} rows have an outcome"));
    }
    Ok(())
}

fn check_creators(db: &Connection, head: &Head, verify: &mut Verify) -> Answer<()> {
    let mut statement = db.prepare_cached(sql::CREATORS_WITHOUT_OUTCOME)?;
    let mut rows = statement.query(params![head.key, NAMED])?;
    while let Some(row) = rows.next()? {
        let row = row_index(row.get(0)?).row();
        verify.problems.push(format!("row {row} added a creator; the ledger does not say it was added"));
    }
    Ok(())
}

/// Damage to the input; one that was dropped on purpose is no damage.
fn check_input(db: &Connection, head: &Head, verify: &mut Verify) -> Answer<()> {
    if !head.job.input.available {
        return Ok(());
    }
    for (no, first, rows) in spans(head.job.total) {
        let problem = match inputs::chunk(db, head.job.input.id, no) {
            Ok(Some((chunk, _))) if (chunk.first, chunk.rows) == (first, rows) => None,
            Ok(Some(_)) => Some(format!("chunk {no} of the input holds other rows than its span")),
            Ok(None) => Some(format!("chunk {no} of the input is gone")),
            Err(super::failure::Fail::Refused(_)) => {
                Some(format!("chunk {no} of the input does not match its digest"))
            }
            Err(error @ super::failure::Fail::Sql(_)) => return Err(error),
        };
        verify.problems.extend(problem);
    }
    Ok(())
}

fn tally_of(outcome: onward_core::row::Outcome, rows: u64) -> Tally {
    use onward_core::row::Outcome;
    match outcome {
        Outcome::Added => Tally { added: rows, ..Tally::default() },
        Outcome::Failed => Tally { failed: rows, ..Tally::default() },
        Outcome::Skipped => Tally { skipped: rows, ..Tally::default() },
        Outcome::Filtered => Tally { filtered: rows, ..Tally::default() },
    }
}
