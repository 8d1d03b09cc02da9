//! Jobs: creating, finding, listing, changing, deleting.

use onward_core::clock::UnixMs;
use onward_core::event::EventKind;
use onward_core::id::JobId;
use onward_core::input::spans;
use onward_core::job::{Job, Tuning};
use onward_core::state::Step;
use onward_core::store::{JobQuery, NewJob, Sought, StoreError, Sums, Totals};

use super::failure::Answer;
use super::head::{self, Head, existing, look};
use super::session::Session;
use super::values::{clean, count, get, int, params, small, to_json};
use super::{events, inputs, sql};

/// A queued job with its spans; one without rows is completed at once.
pub(super) async fn create(db: &Session, new: &NewJob) -> Answer<Job> {
    let input = inputs::sealed(db, new.input).await?.ok_or(StoreError::NotFound(new.id))?;
    same_work(db, new.id, &new.work_digest).await?;
    if look(db, new.id).await?.is_some() {
        return Err(StoreError::Duplicate(new.id).into());
    }
    let now = db.now(new.now).await?;
    insert(db, new, &input, now).await?;
    let mut head = existing(db, new.id).await?;
    let detail = format!("{} rows", input.rows);
    events::note(db, &head, now, EventKind::Created, &new.actor, None, &detail).await?;
    if input.rows == 0 {
        // Nothing will ever be claimed, so the two steps of a life without rows are taken here.
        let mut next = head.job.clone();
        next.state = head.stepped(Step::Start)?;
        head.write(db, next).await?;
        head.complete(db, &new.actor, now).await?;
    }
    Ok(head.job)
}

/// Row numbers are 32-bit.
pub(super) fn check_size(rows: u64) -> Answer<()> {
    if i32::try_from(rows).is_ok() {
        return Ok(());
    }
    let many = format!("{rows} rows are more than one job can have here ({})", i32::MAX);
    Err(StoreError::Corrupt(many).into())
}

/// The row of a new job, and those of its spans.
pub(super) async fn insert(db: &Session, new: &NewJob, input: &inputs::Sealed, now: UnixMs) -> Answer<()> {
    check_size(input.rows)?;
    let (name, total) = (clean(&new.name), int(input.rows));
    let tuning = to_json(&Tuning { hold_at: new.first, ..Tuning::default() })?;
    let insert = params![new.id.0, name, total, now.0, input.key, &*new.recipe, new.work_digest, tuning];
    let key: i32 = get(&db.one(sql::JOB_INSERT, insert).await?, 0)?;
    insert_spans(db, key, input.rows).await
}

/// The spans of so many rows, with nothing done.
pub(super) async fn insert_spans(db: &Session, key: i32, total: u64) -> Answer<()> {
    let (mut numbers, mut firsts, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    for (no, first, rows) in spans(total) {
        numbers.push(small(no.0.into()));
        firsts.push(i64::from(first.0));
        counts.push(small(rows.into()));
    }
    db.execute(sql::SPANS_INSERT, params![key, numbers, firsts, counts]).await?;
    Ok(())
}

/// Refuses when another active job does the same work; asked before a job becomes active. The unique
/// index refuses as well, also who comes at the same moment; this says which job it is.
pub(super) async fn same_work(db: &Session, id: JobId, work_digest: &str) -> Answer<()> {
    let Some(row) = db.first(sql::JOB_ACTIVE_BY_WORK, params![work_digest]).await? else { return Ok(()) };
    let found = JobId(get(&row, 0)?);
    if found == id { Ok(()) } else { Err(StoreError::Duplicate(found).into()) }
}

/// One job.
pub(super) async fn get_one(db: &Session, id: &JobId) -> Answer<Option<Job>> {
    Ok(look(db, *id).await?.map(|head| head.job))
}

/// Jobs, newest first.
pub(super) async fn list(db: &Session, query: &JobQuery) -> Answer<Vec<Job>> {
    Ok(head::page(db, None, query).await?.into_iter().map(|head| head.job).collect())
}

/// The newest job over these bytes, with this recipe or with any.
pub(super) async fn find(db: &Session, sought: &Sought) -> Answer<Option<JobId>> {
    let (statement, digest) = match sought {
        Sought::Work(digest) => (sql::JOB_NEWEST_BY_WORK, digest),
        Sought::Content(digest) => (sql::JOB_NEWEST_BY_CONTENT, digest),
    };
    let row = db.first(statement, params![digest.as_str()]).await?;
    row.map(|row| get(&row, 0).map(JobId)).transpose()
}

/// A change of name and limits.
pub(super) struct Change {
    /// Of which job.
    pub(super) id: JobId,
    /// The new name.
    pub(super) name: Option<String>,
    /// The new limits.
    pub(super) tuning: Option<Tuning>,
    /// Who asks.
    pub(super) actor: String,
    /// When.
    pub(super) now: UnixMs,
}

/// New name and limits; `None` leaves as it is.
pub(super) async fn tune(db: &Session, change: &Change) -> Answer<Job> {
    let now = head::lock(db, change.id, change.now).await?;
    let mut head = existing(db, change.id).await?;
    if let Some(name) = &change.name {
        name.clone_into(&mut head.job.name);
    }
    let changes = change.tuning.unwrap_or_default();
    head.job.tuning = head.job.tuning.with(changes);
    let touched_at = head.touched_at.max(now);
    head.job.updated_at = head.job.updated_at.max(now);
    let changed = params![head.key, clean(&head.job.name), to_json(&head.job.tuning)?, touched_at.0];
    db.execute(sql::JOB_TUNE, changed).await?;
    events::note(db, &head, now, EventKind::Changed, &change.actor, None, &changes.words()).await?;
    Ok(head.job)
}

/// Deletes a job that is not active. Creators stay, and still name it.
pub(super) async fn delete(db: &Session, id: &JobId) -> Answer<()> {
    head::lock(db, *id, UnixMs(0)).await?;
    let Head { key, job, .. } = existing(db, *id).await?;
    if job.state.is_active() {
        return Err(StoreError::Illegal(Box::new(job)).into());
    }
    let input: i32 = get(&db.one(sql::INPUT_OF_JOB, params![key]).await?, 0)?;
    let steps = [sql::JOB_BURIED, sql::OUTCOMES_OF_JOB_DELETE, sql::HISTORY_OF_JOB_DELETE, sql::JOB_DELETE];
    for step in steps {
        db.execute(step, params![key]).await?;
    }
    db.execute(sql::INPUT_DELETE, params![input]).await?;
    Ok(())
}

/// Jobs by state.
pub(super) async fn totals(db: &Session) -> Answer<Totals> {
    let row = db.one(sql::JOBS_BY_STATE, &[]).await?;
    let jobs = |at| get(&row, at).map(count);
    Ok(Totals { running: jobs(0)?, queued: jobs(1)?, paused: jobs(2)?, failed: jobs(3)? })
}

/// Figures over all jobs.
pub(super) async fn sums(db: &Session, today_from: &UnixMs) -> Answer<Sums> {
    let row = db.one(sql::JOB_SUMS, params![today_from.0]).await?;
    Ok(Sums { jobs: count(get(&row, 0)?), failed_rows_today: count(get(&row, 1)?) })
}
