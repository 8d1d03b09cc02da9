//! Rows in doubt: written when a span is taken from its holder, read by whoever claims it next.

use onward_core::clock::UnixMs;
use onward_core::doubt::{Doubt, Loss, Trial, stand_after_loss};
use onward_core::event::EventKind;
use onward_core::id::{Epoch, JobId, RowIndex, SpanNo};
use onward_core::store::{Commit, Settle, StoreError};

use super::failure::{Answer, Fail, unreadable};
use super::head::{Head, existing, lock};
use super::session::Session;
use super::values::{get, int, params, row_index, small, small_count};
use super::{events, sql};
use crate::stored::{settled, stand_of};

/// A page of rows in doubt: of which job, after which row, and how many.
pub(super) type Page = (JobId, Option<RowIndex>, usize);

/// A span was taken from its holder, who held it under an epoch.
pub(super) async fn lose(
    db: &Session,
    head: &Head,
    no: SpanNo,
    under: Epoch,
    loss: Loss,
    now: UnixMs,
) -> Answer<()> {
    let Some(stand) = stand_after_loss(&head.job.recipe) else { return Ok(()) };
    let deaths = small(loss.deaths().into());
    let lost = params![head.key, small(no.0.into()), int(under.0), now.0, deaths, stand.word()];
    db.execute(sql::DOUBTS_PUT, lost).await?;
    Ok(())
}

/// The rows of a job in doubt, in row order.
pub(super) async fn page(db: &Session, (job, after, limit): &Page) -> Answer<Vec<Doubt>> {
    let from = after.map_or(RowIndex(0), |after| RowIndex(after.0.saturating_add(1)));
    within(db, *job, from, RowIndex(u32::MAX), *limit).await
}

/// Rows in doubt of a stretch of a job.
pub(super) async fn within(
    db: &Session,
    job: JobId,
    from: RowIndex,
    until: RowIndex,
    limit: usize,
) -> Answer<Vec<Doubt>> {
    let asked = params![job.0, small(from.0.into()), small(until.0.into()), int(limit as u64)];
    let rows = db.rows(sql::DOUBT_PAGE, asked).await?;
    let doubt = |row: &tokio_postgres::Row| {
        let stand: &str = get(row, 4)?;
        Ok(Doubt {
            row: row_index(get::<i32>(row, 0)?.into()),
            since: UnixMs(get(row, 1)?),
            deaths: small_count(get(row, 2)?),
            died_alone: get(row, 3)?,
            stand: stand_of(stand).ok_or_else(|| unreadable("where a row in doubt stands", &stand))?,
        })
    };
    rows.iter().map(doubt).collect()
}

/// What a person says about rows that wait for him.
pub(super) async fn settle(db: &Session, settle: &Settle) -> Answer<u64> {
    let now = lock(db, settle.job, settle.now).await?;
    let mut head = existing(db, settle.job).await?;
    let rows = settle.rows.iter().filter_map(|row| i32::try_from(row.0).ok()).collect::<Vec<_>>();
    let rows = (!settle.rows.is_empty()).then_some(rows);
    let count = db.execute(sql::DOUBT_SETTLE, params![head.key, settle.stand.word(), rows]).await?;
    if count > 0 {
        let mut next = head.job.clone();
        next.updated_at = head.touched_at.max(now);
        head.write(db, next).await?;
        let detail = settled(count, settle.stand);
        events::note(db, &head, now, EventKind::Changed, &settle.actor, None, &detail).await?;
    }
    Ok(count)
}

/// What a commit that is durable says about a row that is tried alone. When it cannot be said, it is not
/// known any more what the commit did as a whole: the caller reads again and says it again.
pub(super) async fn note_trial(db: &Session, commit: &Commit) -> Answer<()> {
    let (job, under) = (commit.job.0, int(commit.epoch.0));
    let said = match commit.trial {
        Trial::AsBefore => return Ok(()),
        Trial::Begins(row) => {
            let (no, row) = (small(commit.span.0.into()), small(row.0.into()));
            db.execute(sql::DOUBT_TRIAL, params![job, no, under, row]).await
        }
        Trial::Over(row) => db.execute(sql::DOUBT_TRIAL_OVER, params![job, small(row.0.into()), under]).await,
    };
    match said {
        Ok(_) => Ok(()),
        Err(Fail::Refused(error)) => Err(StoreError::Unknown(error.to_string()).into()),
        Err(Fail::Sql(error)) => Err(StoreError::Unknown(error.to_string()).into()),
        Err(Fail::Again) => Err(StoreError::Unknown(String::from("somebody else wrote")).into()),
    }
}
