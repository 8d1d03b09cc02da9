//! Steps of a job: commands and the retry. The state table decides, the epoch fences, and the line on
//! the timeline is part of the same transaction.

use std::collections::BTreeMap;

use onward_core::event::EventKind;
use onward_core::id::RowIndex;
use onward_core::input::span_of;
use onward_core::job::Job;
use onward_core::row::Outcome;
use onward_core::state::Step;
use onward_core::store::{Command, Retry, RowQuery, StoreError};
use rusqlite::{Connection, params};

use super::failure::Answer;
use super::head::{Head, existing, fill};
use super::values::{int, tally};
use super::{doubts, events, jobs, rows, sql, work};

/// Takes a step, or says what stood in the way.
pub(super) fn command(db: &Connection, command: &Command) -> Answer<Job> {
    let mut head = existing(db, command.job)?;
    if command.epoch.is_some_and(|seen| seen != head.job.epoch) {
        return Err(StoreError::Fenced { found: head.job.epoch }.into());
    }
    let Some(kind) = command.kind() else {
        return Err(StoreError::Illegal(Box::new(head.job)).into());
    };
    let mut next = head.job.clone();
    next.state = head.stepped(command.step)?;
    next.tuning = next.tuning.after(command, head.job.tally);
    if next.state.is_active() {
        jobs::same_work(db, command.job, &head.work_digest)?;
    }
    next.epoch = next.epoch.next();
    next.updated_at = command.now;
    next.pause = command.pause.clone().filter(|_| command.step == Step::Pause);
    next.error = command.error.clone().filter(|_| command.step == Step::Fail);
    next.finished_at = (!next.state.is_active()).then_some(command.now);
    if matches!(command.step, Step::Resume | Step::Restart) {
        next.attempt += 1;
        next.attempt_at = Some(command.now);
    }
    head.write(db, next)?;
    doubts::lose_all(db, &head, command.now)?;
    db.prepare_cached(sql::SPANS_FREE)?.execute(params![head.key, int(head.job.epoch.0)])?;
    let from_row = head.next_row(db)?;
    events::note(db, &head, command.now, kind, &command.actor, from_row, command.detail())?;
    if from_row.is_none() && matches!(command.step, Step::Resume | Step::Restart) {
        // Every row has its outcome: there is nothing to claim that could complete it later.
        head.complete(db, &command.actor, command.now)?;
    }
    fill(db, &mut head)?;
    Ok(head.job)
}

/// Moves matching rows to history and opens them again.
pub(super) fn retry(db: &Connection, retry: &Retry) -> Answer<(u64, Job)> {
    let mut head = existing(db, retry.job)?;
    let state = head.stepped(Step::Retry)?;
    let open = matching(db, head.key, retry)?;
    if open.is_empty() {
        return Err(StoreError::NothingToRetry.into());
    }
    jobs::same_work(db, retry.job, &head.work_digest)?;

    let mut next = head.job.clone();
    next.state = state;
    next.epoch = next.epoch.next();
    next.generation += 1;
    next.attempt += 1;
    next.attempt_at = Some(retry.now);
    next.updated_at = retry.now;
    next.finished_at = None;
    next.error = None;
    next.pause = None;
    next.tuning = next.tuning.reopened();
    head.write(db, next)?;
    reopen(db, &head, retry.outcome, &open)?;

    let count = open.len() as u64;
    let from_row = head.next_row(db)?;
    let detail = format!("{count} {} rows were opened again", retry.outcome);
    events::note(db, &head, retry.now, EventKind::Retried, &retry.actor, from_row, &detail)?;
    fill(db, &mut head)?;
    Ok((count, head.job))
}

/// The rows a retry means, in order.
fn matching(db: &Connection, key: i64, retry: &Retry) -> Answer<Vec<RowIndex>> {
    let query = RowQuery {
        job: retry.job,
        outcome: Some(retry.outcome),
        code: retry.code.clone(),
        text: retry.text.clone(),
        after: None,
        until: None,
        limit: usize::MAX,
    };
    let mut named = retry.rows.clone();
    named.sort_unstable();
    let mut open = Vec::new();
    rows::each(db, key, &query, |row| {
        if named.is_empty() || named.binary_search(&row.index).is_ok() {
            open.push(row.index);
        }
    })?;
    Ok(open)
}

/// Moves the records to history and takes them off the counters of their spans.
fn reopen(db: &Connection, head: &Head, outcome: Outcome, open: &[RowIndex]) -> Answer<()> {
    let mut to_history = db.prepare_cached(sql::OUTCOME_TO_HISTORY)?;
    let mut delete = db.prepare_cached(sql::OUTCOME_DELETE)?;
    let mut settled = db.prepare_cached(sql::DOUBT_DELETE)?;
    let mut per_span: BTreeMap<_, u64> = BTreeMap::new();
    for row in open {
        to_history.execute(params![head.key, row.0])?;
        delete.execute(params![head.key, row.0])?;
        settled.execute(params![head.key, row.0])?;
        *per_span.entry(span_of(*row)).or_default() += 1;
    }
    for (no, rows) in per_span {
        let mut held = db.prepare_cached(sql::SPAN_HELD)?;
        let (mut sum, first, len) = held.query_row(params![head.key, no.0], |row| {
            Ok((tally(row, 6)?, row.get::<_, i64>(2)?, row.get(3)?))
        })?;
        sum.take_back(outcome, rows);
        let low_water = work::done_rows(db, head.key, super::values::row_index(first), len)?.low_water();
        db.prepare_cached(sql::SPAN_REOPEN)?.execute(params![
            head.key,
            no.0,
            int(sum.added),
            int(sum.failed),
            int(sum.skipped),
            int(sum.filtered),
            low_water.0,
            int(head.job.epoch.0),
        ])?;
    }
    Ok(())
}
