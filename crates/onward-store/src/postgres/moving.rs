//! Jobs that move in from another store, and the history that only a move reads.

use std::borrow::Cow;

use onward_core::clock::UnixMs;
use onward_core::doubt::Doubt;
use onward_core::event::{Event, EventKind};
use onward_core::id::{JobId, RowIndex};
use onward_core::job::{Job, Pause};
use onward_core::state::{JobState, PauseReason};
use onward_core::store::{BEING_MOVED, Creator, DONE_BEFORE, LedgerRow, Moving, NewJob, StoreError};

use super::failure::Answer;
use super::head::{existing, lock, look};
use super::session::Session;
use super::values::{at, clean, int, outcome_code, params, small, to_json};
use super::{events, inputs, jobs, outbox, rows, sql};
use crate::stored::reason;

/// Which records: of which job, after which (row, generation), and how many.
pub(super) type Page = (JobId, Option<(RowIndex, u32)>, usize);

/// Records that retries took out of the ledger, by row and generation.
pub(super) async fn history_page(db: &Session, (job, after, limit): &Page) -> Answer<Vec<LedgerRow>> {
    let (row, generation) =
        after.map_or((-1, 0), |(row, generation)| (small(row.0.into()), small(generation.into())));
    let asked = params![job.0, row, generation, int(*limit as u64)];
    db.rows(sql::HISTORY_PAGE, asked).await?.iter().map(rows::ledger_row).collect()
}

/// Takes one part of what moves in.
pub(super) async fn take_in(db: &Session, part: &Moving) -> Answer<()> {
    match part {
        Moving::Begin(new) => begin(db, new).await,
        Moving::Rows(job, records) => insert(db, sql::OUTCOMES_MOVE_IN, *job, records).await,
        Moving::History(job, records) => insert(db, sql::HISTORY_MOVE_IN, *job, records).await,
        Moving::Events(job, lines) => tell(db, *job, lines).await,
        Moving::Doubts(job, all) => doubt(db, *job, all).await,
        Moving::Deliveries(job, all) => outbox::take_in(db, existing(db, *job).await?.key, all).await,
        Moving::Creators(all) => {
            for creator in all {
                add(db, creator).await?;
            }
            Ok(())
        }
        Moving::End(whole) => end(db, whole).await,
        Moving::Adopted { job, actor } => {
            end(db, job).await?;
            if job.state != JobState::Completed {
                return Ok(());
            }
            let (head, now) = (existing(db, job.id).await?, job.updated_at);
            events::note(db, &head, now, EventKind::Completed, actor, None, DONE_BEFORE).await.map(drop)
        }
    }
}

async fn begin(db: &Session, new: &NewJob) -> Answer<()> {
    let input = inputs::sealed(db, new.input).await?.ok_or(StoreError::NotFound(new.id))?;
    jobs::same_work(db, new.id, &new.work_digest).await?;
    if look(db, new.id).await?.is_some() {
        return Err(StoreError::Duplicate(new.id).into());
    }
    // Its times are those of the store it comes from.
    jobs::insert(db, new, &input, new.now).await?;
    let mut head = existing(db, new.id).await?;
    let mut next = head.job.clone();
    next.state = JobState::Paused;
    let message = BEING_MOVED.to_owned();
    next.pause = Some(Pause { reason: PauseReason::User, message, probe_at: None });
    head.write(db, next).await
}

async fn insert(db: &Session, statement: &str, job: JobId, records: &[LedgerRow]) -> Answer<()> {
    let head = existing(db, job).await?;
    let reasons: Vec<_> =
        records.iter().map(|record| reason(record.outcome, &record.code, &record.message)).collect();
    let column = |number: &dyn Fn(&LedgerRow) -> i32| records.iter().map(number).collect::<Vec<i32>>();
    let long = |number: &dyn Fn(&LedgerRow) -> i64| records.iter().map(number).collect::<Vec<i64>>();
    let keys: Vec<Option<Cow<'_, str>>> =
        records.iter().map(|record| (!record.key.is_empty()).then(|| clean(&record.key))).collect();
    let results: Vec<Option<Cow<'_, str>>> =
        records.iter().map(|record| record.result.as_deref().map(clean)).collect();
    let codes: Vec<Option<Cow<'_, str>>> = reasons.iter().map(|(code, _)| code.map(clean)).collect();
    let messages: Vec<Option<Cow<'_, str>>> = reasons.iter().map(|(_, message)| message.map(clean)).collect();
    let asked = params![
        head.key,
        column(&|record| small(record.index.0.into())),
        records.iter().map(|record| outcome_code(record.outcome)).collect::<Vec<i16>>(),
        keys,
        long(&|record| record.finished_at.0),
        long(&|record| int(record.epoch.0)),
        column(&|record| small(record.generation.into())),
        column(&|record| small(record.tries.into())),
        column(&|record| small(record.duration_ms)),
        codes,
        messages,
        results,
    ];
    db.execute(statement, asked).await?;
    Ok(())
}

async fn doubt(db: &Session, job: JobId, doubts: &[Doubt]) -> Answer<()> {
    let key = existing(db, job).await?.key;
    let moved = params![
        key,
        doubts.iter().map(|doubt| small(doubt.row.0.into())).collect::<Vec<i32>>(),
        doubts.iter().map(|doubt| doubt.since.0).collect::<Vec<i64>>(),
        doubts.iter().map(|doubt| small(doubt.deaths.into())).collect::<Vec<i32>>(),
        doubts.iter().map(|doubt| doubt.died_alone).collect::<Vec<bool>>(),
        doubts.iter().map(|doubt| doubt.stand.word()).collect::<Vec<&str>>(),
    ];
    db.execute(sql::DOUBTS_MOVE_IN, moved).await?;
    Ok(())
}

async fn tell(db: &Session, job: JobId, lines: &[Event]) -> Answer<()> {
    let key = existing(db, job).await?.key;
    for line in lines {
        events::write(db, key, line.clone()).await?;
    }
    Ok(())
}

/// A creator outlives its job; the name of one that was deleted comes along with it.
async fn add(db: &Session, creator: &Creator) -> Answer<()> {
    db.execute(sql::JOB_BURY_ELSEWHERE, params![creator.job.0]).await?;
    let Creator { table, key, data, job, row, added_at } = creator;
    let (table, key, data) = (clean(table), clean(key), clean(data));
    let added = params![table, key, data, job.0, small(row.0.into()), added_at.0];
    db.execute(sql::CREATOR_MOVE_IN, added).await?;
    Ok(())
}

/// Counters from the ledger that is here, everything else as it was over there.
async fn end(db: &Session, whole: &Job) -> Answer<()> {
    lock(db, whole.id, UnixMs(0)).await?;
    let mut head = existing(db, whole.id).await?;
    let moved = params![head.key, int(whole.epoch.0), at(whole.checkpoint.saved_at)];
    db.execute(sql::SPANS_MOVE_IN, moved).await?;
    let named = params![head.key, clean(&whole.name), to_json(&whole.tuning)?, whole.updated_at.0];
    db.execute(sql::JOB_TUNE, named).await?;
    head.write(db, whole.clone()).await
}
