//! Rows in doubt: written when a span is taken from its holder, read by whoever claims it next.

use onward_core::clock::UnixMs;
use onward_core::doubt::{Doubt, Loss, Trial, stand_after_loss};
use onward_core::event::EventKind;
use onward_core::id::{JobId, RowIndex, SpanNo};
use onward_core::store::{Commit, Settle};
use rusqlite::{Connection, params};

use super::failure::{Answer, unreadable};
use super::head::{Head, existing, head};
use super::values::{epoch, int, row_index};
use super::{events, sql};
use crate::stored::{settled, stand_of};

/// A span is about to be taken from its holder.
pub(super) fn lose(db: &Connection, head: &Head, no: SpanNo, loss: Loss, now: UnixMs) -> Answer<()> {
    let Some(stand) = stand_after_loss(&head.job.recipe) else { return Ok(()) };
    let mut held = db.prepare_cached(sql::SPAN_HELD)?;
    let (under, first, len, until) = held.query_row(params![head.key, no.0], |row| {
        let (first, len) = (row_index(row.get(2)?), row.get::<_, u32>(3)?);
        Ok((epoch(row.get(1)?), first, len, row_index(row.get(5)?)))
    })?;
    let (end, deaths, stand) = (first.0 + len, loss.deaths(), stand.word());
    let mut alone = db.prepare_cached(sql::DOUBT_ALONE)?;
    if alone.execute(params![head.key, first.0, end, int(under.0), now.0, deaths, stand])? == 0 {
        let called = params![head.key, first.0, until.0, now.0, deaths, stand];
        db.prepare_cached(sql::DOUBTS_PUT)?.execute(called)?;
    }
    Ok(())
}

/// All spans of a job are about to be taken from their holders by a command.
pub(super) fn lose_all(db: &Connection, head: &Head, now: UnixMs) -> Answer<()> {
    let mut leases = db.prepare_cached(sql::JOB_LEASES)?;
    let held: Vec<u32> = leases.query_map([head.key], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    held.into_iter().try_for_each(|no| lose(db, head, SpanNo(no), Loss::Taken, now))
}

/// Rows in doubt of a stretch of a job.
pub(super) fn within(
    db: &Connection,
    key: i64,
    from: RowIndex,
    until: RowIndex,
    limit: usize,
) -> Answer<Vec<Doubt>> {
    let mut statement = db.prepare_cached(sql::DOUBT_PAGE)?;
    let mut rows = statement.query(params![key, from.0, until.0, int(limit as u64)])?;
    let mut doubts = Vec::new();
    while let Some(row) = rows.next()? {
        let stand: String = row.get(4)?;
        doubts.push(Doubt {
            row: row_index(row.get(0)?),
            since: UnixMs(row.get(1)?),
            deaths: row.get(2)?,
            died_alone: row.get(3)?,
            stand: stand_of(&stand).ok_or_else(|| unreadable("where a row in doubt stands", &stand))?,
        });
    }
    Ok(doubts)
}

/// The rows of a job in doubt, in row order.
pub(super) fn page(db: &Connection, job: JobId, after: Option<RowIndex>, limit: usize) -> Answer<Vec<Doubt>> {
    let from = after.map_or(RowIndex(0), |after| RowIndex(after.0.saturating_add(1)));
    match head(db, job)? {
        Some(head) => within(db, head.key, from, RowIndex(u32::MAX), limit),
        None => Ok(Vec::new()),
    }
}

/// How many rows of a job are in doubt. Those before the first missing row are not.
pub(super) fn count(db: &Connection, key: i64, low_water: u64) -> Answer<u64> {
    let mut statement = db.prepare_cached(sql::DOUBTS_COUNT)?;
    let rows: i64 = statement.query_row(params![key, int(low_water)], |row| row.get(0))?;
    Ok(u64::try_from(rows).unwrap_or_default())
}

/// What a person says about rows that wait for him.
pub(super) fn settle(db: &Connection, settle: &Settle) -> Answer<u64> {
    let mut head = existing(db, settle.job)?;
    let mut statement = db.prepare_cached(sql::DOUBT_SETTLE)?;
    let (word, mut count) = (settle.stand.word(), 0);
    if settle.rows.is_empty() {
        count = statement.execute(params![head.key, word, None::<u32>])?;
    }
    for row in &settle.rows {
        count += statement.execute(params![head.key, word, row.0])?;
    }
    if count > 0 {
        let mut next = head.job.clone();
        next.updated_at = next.updated_at.max(settle.now);
        head.write(db, next)?;
        let detail = settled(count as u64, settle.stand);
        events::note(db, &head, settle.now, EventKind::Changed, &settle.actor, None, &detail)?;
    }
    Ok(count as u64)
}

/// What a commit says about a row that is tried alone.
pub(super) fn note_trial(
    db: &Connection,
    key: i64,
    commit: &Commit,
    first: RowIndex,
    end: RowIndex,
) -> Answer<()> {
    let under = int(commit.epoch.0);
    match commit.trial {
        Trial::AsBefore => {}
        Trial::Begins(row) => {
            let begins = params![key, first.0, end.0, row.0, under];
            db.prepare_cached(sql::DOUBT_TRIAL)?.execute(begins)?;
        }
        Trial::Over(row) => {
            db.prepare_cached(sql::DOUBT_TRIAL_OVER)?.execute(params![key, row.0, under])?;
        }
    }
    Ok(())
}
