//! Another file under a job: records, history and creators are numbered anew, the spans are made anew,
//! all in one transaction. It costs a write for each row that moves, and holds up other writers for so
//! long: about ten seconds for a million rows.

use onward_core::event::EventKind;
use onward_core::id::RowIndex;
use onward_core::input::spans;
use onward_core::job::Job;
use onward_core::state::{JobState, attached};
use onward_core::store::{Attach, GONE_FROM, StoreError};
use rusqlite::{Connection, params};

use super::failure::Answer;
use super::head::{Head, existing};
use super::values::int;
use super::{events, inputs, jobs, moving, sql};
use crate::stored::all_done;

/// Puts another input under a job that stands still.
pub(super) fn attach(db: &Connection, attach: &Attach) -> Answer<Job> {
    let mut head = existing(db, attach.job)?;
    if attached(head.job.state, false).is_none() {
        return Err(StoreError::Illegal(Box::new(head.job)).into());
    }
    if head.job.epoch != attach.epoch {
        return Err(StoreError::Fenced { found: head.job.epoch }.into());
    }
    let input = inputs::sealed(db, attach.input)?.ok_or(StoreError::NotFound(attach.job))?;
    let old_input: i64 = db.prepare_cached(sql::INPUT_OF_JOB)?.query_row([head.key], |row| row.get(0))?;
    let mut next = head.job.clone();
    next.epoch = next.epoch.next();
    renumber(db, &head, attach)?;

    let work_digest = attach.work_digest.as_ref().unwrap_or(&head.work_digest).clone();
    let under = params![head.key, input.key, int(input.rows), work_digest];
    db.prepare_cached(sql::JOB_ATTACH)?.execute(under)?;
    head.job.total = input.rows;
    next.total = input.rows;
    db.prepare_cached(sql::SPANS_DELETE)?.execute([head.key])?;
    let mut insert = db.prepare_cached(sql::SPAN_INSERT)?;
    for (no, first, rows) in spans(input.rows) {
        insert.execute(params![head.key, no.0, first.0, rows])?;
    }
    moving::count_spans(db, head.key, &next)?;

    let from_row = head.next_row(db)?;
    next.state = attached(next.state, from_row.is_some()).unwrap_or(next.state);
    if next.state.is_active() {
        jobs::same_work(db, attach.job, &work_digest)?;
        next.finished_at = None;
    }
    let completes = next.state == JobState::Completed && head.job.state != JobState::Completed;
    if completes {
        (next.finished_at, next.error, next.pause) = (Some(attach.now), None, None);
    }
    next.generation += u32::from(attach.anew);
    next.updated_at = attach.now;
    next.tuning = next.tuning.reopened();
    head.write(db, next)?;
    inputs::forget_unused(db, old_input)?;
    let note =
        |kind, detail: &str| events::note(db, &head, attach.now, kind, &attach.actor, from_row, detail);
    note(EventKind::Attached, &attach.detail)?;
    if completes {
        note(EventKind::Completed, &all_done(head.job.total))?;
    }
    Ok(existing(db, attach.job)?.job)
}

/// Takes back what is open, and moves everything that is known of a row to where the row now stands.
fn renumber(db: &Connection, head: &Head, attach: &Attach) -> Answer<()> {
    let next_gone = params![head.key, GONE_FROM];
    let next_gone = db.prepare_cached(sql::HISTORY_NEXT_GONE)?.query_row(next_gone, |row| row.get(0))?;
    let gone = attach.gone(head.job.total, next_gone);
    let mut to_history = db.prepare_cached(sql::OUTCOME_TO_HISTORY)?;
    let mut delete = db.prepare_cached(sql::OUTCOME_DELETE)?;
    let of_gone = gone.iter().flat_map(|gone| (gone.from.0..gone.from.0 + gone.rows).map(RowIndex));
    for row in attach.open.iter().copied().chain(of_gone) {
        to_history.execute(params![head.key, row.0])?;
        delete.execute(params![head.key, row.0])?;
        if attach.open.binary_search(&row).is_ok() {
            // It failed for sure: whatever was in doubt about it is over.
            db.prepare_cached(sql::DOUBT_DELETE)?.execute(params![head.key, row.0])?;
        }
    }

    let moves = || attach.moves.iter().chain(&gone);
    let Some(first) = moves().filter(|moved| moved.delta() != 0).map(|moved| moved.from.0).min() else {
        return Ok(());
    };
    let mut insert = db.prepare_cached(sql::MOVE_INSERT)?;
    for moved in moves() {
        insert.execute(params![head.key, moved.from.0, moved.delta()])?;
    }
    db.prepare_cached(sql::OUTCOMES_LIFT)?.execute(params![head.key, first])?;
    db.prepare_cached(sql::OUTCOMES_SET_DOWN)?.execute([head.key])?;
    db.prepare_cached(sql::HISTORY_LIFT)?.execute(params![head.key, first, GONE_FROM])?;
    db.prepare_cached(sql::HISTORY_SET_DOWN)?.execute([head.key])?;
    db.prepare_cached(sql::CREATORS_RENUMBER)?.execute(params![head.key, first, GONE_FROM])?;
    db.prepare_cached(sql::DOUBTS_LIFT)?.execute(params![head.key, first])?;
    db.prepare_cached(sql::DOUBTS_SET_DOWN)?.execute([head.key])?;
    db.prepare_cached(sql::DOUBTS_DROP)?.execute(params![head.key, GONE_FROM])?;
    db.prepare_cached(sql::MOVES_DELETE)?.execute([head.key])?;
    Ok(())
}
