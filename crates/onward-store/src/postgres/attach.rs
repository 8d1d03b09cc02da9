//! Another file under a job: records, history and creators are numbered anew, the spans are made anew,
//! all in one transaction that holds the row of the job.

use onward_core::event::EventKind;
use onward_core::job::Job;
use onward_core::state::{JobState, attached};
use onward_core::store::{Attach, GONE_FROM, Move, StoreError};

use super::failure::Answer;
use super::head::{Head, existing, lock};
use super::session::Session;
use super::values::{at, get, int, params, small, small_count};
use super::{events, inputs, jobs, sql};
use crate::stored::all_done;

/// Puts another input under a job that stands still.
pub(super) async fn attach(db: &Session, attach: &Attach) -> Answer<Job> {
    let now = lock(db, attach.job, attach.now).await?;
    let mut head = existing(db, attach.job).await?;
    if attached(head.job.state, false).is_none() {
        return Err(StoreError::Illegal(Box::new(head.job)).into());
    }
    if head.job.epoch != attach.epoch {
        return Err(StoreError::Fenced { found: head.job.epoch }.into());
    }
    let input = inputs::sealed(db, attach.input).await?.ok_or(StoreError::NotFound(attach.job))?;
    jobs::check_size(input.rows)?;
    let old_input: i32 = get(&db.one(sql::INPUT_OF_JOB, params![head.key]).await?, 0)?;
    let epoch = head.job.epoch.next();
    renumber(db, &head, attach).await?;

    let work_digest = attach.work_digest.as_ref().unwrap_or(&head.work_digest).clone();
    let under = params![head.key, input.key, int(input.rows), work_digest.as_str()];
    db.execute(sql::JOB_ATTACH, under).await?;
    db.execute(sql::SPANS_DELETE, params![head.key]).await?;
    jobs::insert_spans(db, head.key, input.rows).await?;
    let counted = params![head.key, int(epoch.0), at(head.job.checkpoint.saved_at)];
    db.execute(sql::SPANS_MOVE_IN, counted).await?;

    head = existing(db, attach.job).await?;
    let from_row = head.next_row();
    let mut next = head.job.clone();
    next.epoch = epoch;
    next.state = attached(next.state, from_row.is_some()).unwrap_or(next.state);
    if next.state.is_active() {
        jobs::same_work(db, attach.job, &work_digest).await?;
        next.finished_at = None;
    }
    let completes = next.state == JobState::Completed && head.job.state != JobState::Completed;
    if completes {
        (next.finished_at, next.error, next.pause) = (Some(now), None, None);
    }
    next.generation += u32::from(attach.anew);
    next.updated_at = now;
    next.tuning = next.tuning.reopened();
    head.write(db, next).await?;
    db.execute(sql::INPUT_DELETE, params![old_input]).await?;
    events::note(db, &head, now, EventKind::Attached, &attach.actor, from_row, &attach.detail).await?;
    if completes {
        let detail = all_done(head.job.total);
        events::note(db, &head, now, EventKind::Completed, &attach.actor, None, &detail).await?;
    }
    Ok(existing(db, attach.job).await?.job)
}

/// Takes back what is open, and moves everything that is known of a row to where the row now stands.
async fn renumber(db: &Session, head: &Head, attach: &Attach) -> Answer<()> {
    let gone_from = small(GONE_FROM.into());
    let next_gone = db.one(sql::HISTORY_NEXT_GONE, params![head.key, gone_from]).await?;
    let gone = attach.gone(head.job.total, small_count(get(&next_gone, 0)?));
    let open: Vec<i32> = attach.open.iter().map(|row| small(row.0.into())).collect();
    let first = |moved: &Move| small(moved.from.0.into());
    // They failed for sure: whatever was in doubt about them is over.
    db.execute(sql::DOUBTS_DELETE, params![head.key, open]).await?;
    db.execute(sql::OUTCOMES_TAKE_BACK, params![head.key, open]).await?;

    let moves: Vec<Move> = attach.moves.iter().chain(&gone).copied().collect();
    let moving = moves.iter().filter(|moved| moved.delta() != 0).map(first).min();
    let Some(moving) = moving else { return Ok(()) };
    let firsts: Vec<i32> = moves.iter().map(first).collect();
    let deltas: Vec<i32> =
        moves.iter().map(|moved| i32::try_from(moved.delta()).unwrap_or_default()).collect();
    db.execute(sql::MOVES_INSERT, params![head.key, firsts, deltas]).await?;
    db.execute(sql::OUTCOMES_BURY, params![head.key, moving, gone_from]).await?;
    db.execute(sql::OUTCOMES_LIFT, params![head.key, moving]).await?;
    db.execute(sql::OUTCOMES_SET_DOWN, params![head.key]).await?;
    db.execute(sql::HISTORY_LIFT, params![head.key, moving, gone_from]).await?;
    db.execute(sql::HISTORY_SET_DOWN, params![head.key]).await?;
    db.execute(sql::CREATORS_RENUMBER, params![head.key, moving, gone_from]).await?;
    db.execute(sql::DOUBTS_LIFT, params![head.key, moving]).await?;
    db.execute(sql::DOUBTS_SET_DOWN, params![head.key]).await?;
    db.execute(sql::DOUBTS_DROP, params![head.key, gone_from]).await?;
    db.execute(sql::MOVES_DELETE, params![head.key]).await?;
    Ok(())
}
