//! Jobs: creating, finding, listing, changing, deleting.

use onward_core::clock::UnixMs;
use onward_core::event::EventKind;
use onward_core::id::JobId;
use onward_core::input::spans;
use onward_core::job::{Job, Tuning};
use onward_core::state::{JobState, Step};
use onward_core::store::{JobQuery, NewJob, Sought, StoreError, Sums, Totals};
use rusqlite::{Connection, OptionalExtension, params};

use super::failure::{Answer, Fail};
use super::head::{Head, existing, full, head};
use super::values::{count, int, to_json, uuid};
use super::{events, inputs, sql};

/// A queued job with its spans; one without rows is completed at once.
pub(super) fn create(db: &Connection, new: &NewJob) -> Answer<Job> {
    let input = inputs::sealed(db, new.input)?.ok_or(StoreError::NotFound(new.id))?;
    same_work(db, new.id, &new.work_digest)?;
    if head(db, new.id)?.is_some() {
        return Err(StoreError::Duplicate(new.id).into());
    }
    let key = insert(db, new, &input)?;
    let mut insert = db.prepare_cached(sql::SPAN_INSERT)?;
    for (no, first, rows) in spans(input.rows) {
        insert.execute(params![key, no.0, first.0, rows])?;
    }
    let mut head = existing(db, new.id)?;
    events::note(db, &head, new.now, EventKind::Created, &new.actor, None, &format!("{} rows", input.rows))?;
    if input.rows == 0 {
        // Nothing will ever be claimed, so the two steps of a life without rows are taken here.
        let mut next = head.job.clone();
        next.state = head.stepped(Step::Start)?;
        head.write(db, next)?;
        head.complete(db, &new.actor, new.now)?;
    }
    Ok(head.job)
}

/// The row of a new job; answers its key.
pub(super) fn insert(db: &Connection, new: &NewJob, input: &inputs::Sealed) -> Answer<i64> {
    Ok(db.prepare_cached(sql::JOB_INSERT)?.insert(params![
        new.id.to_string(),
        new.name,
        int(input.rows),
        new.now.0,
        input.key,
        &*new.recipe,
        new.work_digest,
        to_json(&Tuning { hold_at: new.first, ..Tuning::default() })?,
    ])?)
}

/// Refuses when another active job does the same work; asked before a job becomes active. The unique
/// index would refuse as well; this says which job it is.
pub(super) fn same_work(db: &Connection, id: JobId, work_digest: &str) -> Answer<()> {
    let mut statement = db.prepare_cached(sql::JOB_ACTIVE_BY_WORK)?;
    let found: Option<String> = statement.query_row([work_digest], |row| row.get(0)).optional()?;
    let Some(found) = found else { return Ok(()) };
    let found = uuid(&found)?;
    if found == id { Ok(()) } else { Err(StoreError::Duplicate(found).into()) }
}

/// One job.
pub(super) fn get(db: &Connection, id: JobId) -> Answer<Option<Job>> {
    Ok(full(db, id)?.map(|head| head.job))
}

/// Jobs, newest first.
///
/// Each state has its jobs in the order of their ids, so the page is merged from the wanted states and
/// nothing else is read, however many jobs there are.
pub(super) fn list(db: &Connection, query: &JobQuery) -> Answer<Vec<Job>> {
    // Every id sorts before this one, which no version of UUID uses.
    let before = query.before.map_or_else(|| String::from("g"), |before| before.to_string());
    let after = query.after.map(|after| after.to_string());
    let text = query.text.as_deref().map(str::to_lowercase);
    let sql = if after.is_some() { sql::JOB_LIST_BACK } else { sql::JOB_LIST };
    let wanted = |state: &JobState| query.states.is_empty() || query.states.contains(state);
    let states: Vec<JobState> = JobState::ALL.into_iter().filter(wanted).collect();
    let mut statements =
        states.iter().map(|_| db.prepare_cached(sql)).collect::<rusqlite::Result<Vec<_>>>()?;
    let mut lists = Vec::with_capacity(states.len());
    for (statement, state) in statements.iter_mut().zip(&states) {
        let rows = match &after {
            Some(after) => statement.query(params![before, state.word(), after])?,
            None => statement.query(params![before, state.word()])?,
        };
        let mut list = JobsOfState { rows, text: text.as_deref() };
        lists.push((list.next()?, list));
    }
    let mut page = Vec::new();
    while page.len() < query.limit {
        let heads = lists.iter_mut().filter(|(head, _)| head.is_some());
        let first =
            if after.is_some() { heads.min_by_key(|list| list.0) } else { heads.max_by_key(|list| list.0) };
        let Some((head, list)) = first else { break };
        if let Some(id) = std::mem::replace(head, list.next()?) {
            page.extend(get(db, id)?);
        }
    }
    if after.is_some() {
        page.reverse();
    }
    Ok(page)
}

/// The jobs of one state whose name or file holds a text.
struct JobsOfState<'a> {
    rows: rusqlite::Rows<'a>,
    text: Option<&'a str>,
}

impl JobsOfState<'_> {
    fn next(&mut self) -> Answer<Option<JobId>> {
        while let Some(row) = self.rows.next()? {
            let field = |at: usize| row.get_ref(at)?.as_str().map_err(rusqlite::Error::from);
            let is_wanted = match self.text {
                Some(text) => {
                    field(1)?.to_lowercase().contains(text) || field(2)?.to_lowercase().contains(text)
                }
                None => true,
            };
            if is_wanted {
                return Ok(Some(uuid(field(0)?)?));
            }
        }
        Ok(None)
    }
}

/// The newest job over these bytes, with this recipe or with any.
pub(super) fn find(db: &Connection, sought: &Sought) -> Answer<Option<JobId>> {
    let (statement, digest) = match sought {
        Sought::Work(digest) => (sql::JOB_NEWEST_BY_WORK, digest),
        Sought::Content(digest) => (sql::JOB_NEWEST_BY_CONTENT, digest),
    };
    let mut statement = db.prepare_cached(statement)?;
    let found: Option<String> = statement.query_row([digest], |row| row.get(0)).optional()?;
    found.map(|id| uuid(&id)).transpose()
}

/// New name and limits; `None` leaves as it is.
pub(super) fn tune(
    db: &Connection,
    id: JobId,
    name: Option<&str>,
    tuning: Option<Tuning>,
    actor: &str,
    now: UnixMs,
) -> Answer<Job> {
    let mut head = existing(db, id)?;
    if let Some(name) = name {
        name.clone_into(&mut head.job.name);
    }
    let changes = tuning.unwrap_or_default();
    head.job.tuning = head.job.tuning.with(changes);
    head.job.updated_at = head.job.updated_at.max(now);
    let changed = params![head.key, head.job.name, to_json(&head.job.tuning)?, head.job.updated_at.0];
    db.prepare_cached(sql::JOB_TUNE)?.execute(changed)?;
    events::note(db, &head, now, EventKind::Changed, actor, None, &changes.words())?;
    Ok(head.job)
}

/// Deletes a job that is not active. Creators stay, and still name it.
pub(super) fn delete(db: &Connection, id: JobId) -> Answer<()> {
    let Head { key, job, .. } = existing(db, id)?;
    if job.state.is_active() {
        return Err(StoreError::Illegal(Box::new(job)).into());
    }
    let input: i64 = db.prepare_cached(sql::INPUT_OF_JOB)?.query_row([key], |row| row.get(0))?;
    let steps = [sql::JOB_BURIED, sql::OUTCOMES_OF_JOB_DELETE, sql::HISTORY_OF_JOB_DELETE, sql::JOB_DELETE];
    for step in steps {
        db.prepare_cached(step)?.execute([key])?;
    }
    inputs::forget_unused(db, input)
}

/// Jobs by state.
pub(super) fn totals(db: &Connection) -> Answer<Totals> {
    let mut by_state = db.prepare_cached(sql::JOBS_BY_STATE)?;
    Ok(by_state.query_row([], |row| {
        let jobs = |at| row.get(at).map(count);
        Ok(Totals { running: jobs(0)?, queued: jobs(1)?, paused: jobs(2)?, failed: jobs(3)? })
    })?)
}

/// Figures over all jobs.
pub(super) fn sums(db: &Connection, today_from: UnixMs) -> Answer<Sums> {
    let mut sums = db.prepare_cached(sql::JOB_SUMS)?;
    Ok(sums.query_row([today_from.0], |row| {
        Ok(Sums { jobs: count(row.get(0)?), failed_rows_today: count(row.get(1)?) })
    })?)
}

/// What a reader of a job that may be gone answers: nothing, instead of an error.
pub(super) fn key_if_there(db: &Connection, id: JobId) -> Answer<Option<i64>> {
    match super::head::key(db, id) {
        Ok(key) => Ok(Some(key)),
        Err(Fail::Refused(_)) => Ok(None),
        Err(error @ Fail::Sql(_)) => Err(error),
    }
}
