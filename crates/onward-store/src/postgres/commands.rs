//! Steps of a job: commands and the retry. The state table decides, the epoch fences, and the line on
//! the timeline is part of the same transaction. The row of the job is held from the first statement
//! on, so that of several callers each sees what the one before it did.

use onward_core::doubt::Loss;
use onward_core::event::EventKind;
use onward_core::id::SpanNo;
use onward_core::job::Job;
use onward_core::state::Step;
use onward_core::store::{Command, Retry, StoreError};

use super::failure::Answer;
use super::head::{existing, lock};
use super::session::Session;
use super::values::{clean, count, epoch, get, int, outcome_code, params, small_count};
use super::{doubts, events, jobs, sql};

/// Takes a step, or says what stood in the way.
pub(super) async fn command(db: &Session, command: &Command) -> Answer<Job> {
    let now = lock(db, command.job, command.now).await?;
    let mut head = existing(db, command.job).await?;
    if command.epoch.is_some_and(|seen| seen != head.job.epoch) {
        return Err(StoreError::Fenced { found: head.job.epoch }.into());
    }
    let Some(kind) = command.kind() else {
        return Err(StoreError::Illegal(Box::new(head.job)).into());
    };
    let state = head.stepped(command.step)?;
    if state.is_active() {
        jobs::same_work(db, command.job, &head.work_digest).await?;
    }
    // The spans first: commits that are under way end, each whole or refused, and then the counters stand.
    let freed = db.rows(sql::SPANS_FREE, params![head.key, int(head.job.epoch.next().0)]).await?;
    for row in &freed {
        let (no, under) = (SpanNo(small_count(get(row, 0)?)), epoch(get(row, 1)?));
        doubts::lose(db, &head, no, under, Loss::Taken, now).await?;
    }
    head = existing(db, command.job).await?;
    let mut next = head.job.clone();
    next.state = state;
    next.tuning = next.tuning.after(command, head.job.tally);
    next.epoch = next.epoch.next();
    next.updated_at = now;
    next.pause = command.pause.clone().filter(|_| command.step == Step::Pause);
    next.error = command.error.clone().filter(|_| command.step == Step::Fail);
    next.finished_at = (!next.state.is_active()).then_some(now);
    if matches!(command.step, Step::Resume | Step::Restart) {
        next.attempt += 1;
        next.attempt_at = Some(now);
    }
    head.write(db, next).await?;
    let from_row = head.next_row();
    events::note(db, &head, now, kind, &command.actor, from_row, command.detail()).await?;
    if from_row.is_none() && matches!(command.step, Step::Resume | Step::Restart) {
        // Every row has its outcome: there is nothing to claim that could complete it later.
        head.complete(db, &command.actor, now).await?;
    }
    Ok(head.job)
}

/// Moves matching rows to history and opens them again.
pub(super) async fn retry(db: &Session, retry: &Retry) -> Answer<(u64, Job)> {
    let now = lock(db, retry.job, retry.now).await?;
    let mut head = existing(db, retry.job).await?;
    let mut next = head.job.clone();
    next.state = head.stepped(Step::Retry)?;
    next.epoch = next.epoch.next();
    next.generation += 1;
    next.attempt += 1;
    next.attempt_at = Some(now);
    next.updated_at = now;
    next.finished_at = None;
    next.error = None;
    next.pause = None;
    next.tuning = next.tuning.reopened();
    let rows = retry.rows.iter().filter_map(|row| i32::try_from(row.0).ok()).collect::<Vec<_>>();
    let rows = (!retry.rows.is_empty()).then_some(rows);
    let code = retry.code.as_deref().map(clean);
    let part = retry.text.as_deref().map(|text| clean(&text.to_lowercase()).into_owned());
    let asked = params![head.key, outcome_code(retry.outcome), code, rows, int(next.epoch.0), part];
    let opened = count(get(&db.one(sql::OUTCOMES_REOPEN, asked).await?, 0)?);
    if opened == 0 {
        return Err(StoreError::NothingToRetry.into());
    }
    jobs::same_work(db, retry.job, &head.work_digest).await?;
    head.write(db, next).await?;
    let head = existing(db, retry.job).await?;
    let detail = format!("{opened} {} rows were opened again", retry.outcome);
    events::note(db, &head, now, EventKind::Retried, &retry.actor, head.next_row(), &detail).await?;
    Ok((opened, head.job))
}
