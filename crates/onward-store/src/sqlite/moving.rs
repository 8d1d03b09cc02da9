//! Jobs that move in from another store, and the history that only a move reads.

use onward_core::doubt::Doubt;
use onward_core::event::EventKind;
use onward_core::id::{JobId, RowIndex};
use onward_core::input::spans;
use onward_core::job::{Job, Pause};
use onward_core::state::{JobState, PauseReason};
use onward_core::store::{BEING_MOVED, Creator, DONE_BEFORE, LedgerRow, Moving, NewJob, StoreError};
use onward_core::tally::Tally;
use rusqlite::{Connection, OptionalExtension, params};

use super::failure::Answer;
use super::head::{existing, head, key};
use super::values::{int, outcome_code, outcome_of, reason, to_json};
use super::{events, inputs, jobs, outbox, rows, sql, work};

/// Records that retries took out of the ledger, by row and generation.
pub(super) fn history_page(
    db: &Connection,
    job: JobId,
    after: Option<(RowIndex, u32)>,
    limit: usize,
) -> Answer<Vec<LedgerRow>> {
    let key = key(db, job)?;
    let (row, generation) = after.map_or((-1, 0), |(row, generation)| (i64::from(row.0), generation));
    let mut statement = db.prepare_cached(sql::HISTORY_PAGE)?;
    let mut found = statement.query(params![key, row, generation, int(limit as u64)])?;
    let mut page = Vec::new();
    while let Some(row) = found.next()? {
        page.push(rows::ledger_row(row)?);
    }
    Ok(page)
}

/// Takes one part of what moves in.
pub(super) fn take_in(db: &Connection, part: &Moving) -> Answer<()> {
    match part {
        Moving::Begin(new) => begin(db, new),
        Moving::Rows(job, records) => insert(db, sql::OUTCOME_INSERT, *job, records),
        Moving::History(job, records) => insert(db, sql::HISTORY_INSERT, *job, records),
        Moving::Events(job, events) => {
            let key = key(db, *job)?;
            let mut statement = db.prepare_cached(sql::EVENT_INSERT)?;
            for event in events {
                let from_row = event.from_row.map(int);
                let (kind, epoch) = (event.kind.word(), int(event.epoch.0));
                let told = params![key, event.at.0, kind, event.actor, epoch, from_row, event.detail];
                statement.execute(told)?;
            }
            Ok(())
        }
        Moving::Doubts(job, all) => {
            let key = key(db, *job)?;
            let mut statement = db.prepare_cached(sql::DOUBT_INSERT)?;
            for doubt in all {
                let Doubt { row, since, deaths, died_alone, stand } = doubt;
                statement.execute(params![key, row.0, since.0, deaths, died_alone, stand.word()])?;
            }
            Ok(())
        }
        Moving::Deliveries(job, all) => outbox::take_in(db, key(db, *job)?, all),
        Moving::Creators(all) => all.iter().try_for_each(|creator| add(db, creator)),
        Moving::End(whole) => end(db, whole),
        Moving::Adopted { job, actor } => {
            end(db, job)?;
            if job.state != JobState::Completed {
                return Ok(());
            }
            let (head, now) = (existing(db, job.id)?, job.updated_at);
            events::note(db, &head, now, EventKind::Completed, actor, None, DONE_BEFORE).map(drop)
        }
    }
}

fn begin(db: &Connection, new: &NewJob) -> Answer<()> {
    let input = inputs::sealed(db, new.input)?.ok_or(StoreError::NotFound(new.id))?;
    jobs::same_work(db, new.id, &new.work_digest)?;
    if head(db, new.id)?.is_some() {
        return Err(StoreError::Duplicate(new.id).into());
    }
    let key = jobs::insert(db, new, &input)?;
    let mut insert = db.prepare_cached(sql::SPAN_INSERT)?;
    for (no, first, rows) in spans(input.rows) {
        insert.execute(params![key, no.0, first.0, rows])?;
    }
    let mut head = existing(db, new.id)?;
    let mut next = head.job.clone();
    next.state = JobState::Paused;
    let message = BEING_MOVED.to_owned();
    next.pause = Some(Pause { reason: PauseReason::User, message, probe_at: None });
    head.write(db, next)
}

fn insert(db: &Connection, statement: &str, job: JobId, records: &[LedgerRow]) -> Answer<()> {
    let key = key(db, job)?;
    let mut statement = db.prepare_cached(statement)?;
    for record in records {
        let (code, message) = reason(record.outcome, &record.code, &record.message);
        statement.execute(params![
            key,
            record.index.0,
            outcome_code(record.outcome),
            Some(&record.key).filter(|key| !key.is_empty()),
            record.finished_at.0,
            int(record.epoch.0),
            record.generation,
            record.tries,
            int(record.duration_ms),
            code,
            message,
            record.result,
        ])?;
    }
    Ok(())
}

/// A creator outlives its job; the name of one that was deleted comes along with it.
fn add(db: &Connection, creator: &Creator) -> Answer<()> {
    let id = creator.job.to_string();
    let here = db.prepare_cached(sql::JOB_KEY)?.query_row([&id], |row| row.get(0)).optional()?;
    let key: i64 = match here {
        Some(key) => key,
        None => {
            db.prepare_cached(sql::JOB_BURIED_ELSEWHERE)?.execute([&id])?;
            db.prepare_cached(sql::JOB_BURIED_KEY)?.query_row([&id], |row| row.get(0))?
        }
    };
    let Creator { table, key: name, data, row, added_at, .. } = creator;
    db.prepare_cached(sql::CREATOR_INSERT)?.execute(params![table, name, data, key, row.0, added_at.0])?;
    Ok(())
}

/// Counters from the ledger that is here, everything else as it was over there.
fn end(db: &Connection, whole: &Job) -> Answer<()> {
    let mut head = existing(db, whole.id)?;
    count_spans(db, head.key, whole)?;
    let named = params![head.key, whole.name, to_json(&whole.tuning)?, whole.updated_at.0];
    db.prepare_cached(sql::JOB_TUNE)?.execute(named)?;
    head.write(db, whole.clone())
}

/// The counters and checkpoints of free spans, from the ledger; epoch and last save are those of `job`.
pub(super) fn count_spans(db: &Connection, key: i64, job: &Job) -> Answer<()> {
    for (no, first, rows) in spans(job.total) {
        let done = work::done_rows(db, key, first, rows)?;
        let tally = counted(db, key, first, done.end())?;
        let saved_at = job.checkpoint.saved_at.filter(|_| tally.processed() > 0);
        db.prepare_cached(sql::SPAN_MOVED_IN)?.execute(params![
            key,
            no.0,
            int(job.epoch.0),
            int(tally.added),
            int(tally.failed),
            int(tally.skipped),
            int(tally.filtered),
            done.low_water().0,
            saved_at.map(|at| at.0),
        ])?;
    }
    Ok(())
}

fn counted(db: &Connection, key: i64, first: RowIndex, end: RowIndex) -> Answer<Tally> {
    let mut statement = db.prepare_cached(sql::OUTCOME_COUNTS_OF_SPAN)?;
    let mut found = statement.query(params![key, first.0, end.0])?;
    let mut tally = Tally::default();
    while let Some(row) = found.next()? {
        let outcome = outcome_of(row.get(0)?)?;
        (0..row.get::<_, u32>(1)?).for_each(|_| tally.count(outcome));
    }
    Ok(tally)
}
