//! A job as the database has it: its row, and what its spans say, read as of one moment.

use std::sync::Arc;

use onward_core::checkpoint::Checkpoint;
use onward_core::clock::UnixMs;
use onward_core::event::EventKind;
use onward_core::id::{Epoch, JobId, SpanNo, WorkerId};
use onward_core::job::{Job, JobInput, LeaseFact, Waiting};
use onward_core::state::{JobState, Step, step};
use onward_core::store::{JobQuery, Reach, Result, StoreError};
use tokio_postgres::Row;

use super::failure::{Answer, Fail};
use super::session::Session;
use super::values::{
    at, clean, count, epoch, get, int, json, moment, params, row_index, small, small_count, state, tally,
    text, to_json,
};
use super::{events, sql};

/// A job and its inner key.
#[derive(Debug, Clone)]
pub(super) struct Head {
    /// The inner key.
    pub(super) key: i32,
    /// Names the work.
    pub(super) work_digest: String,
    /// When its row last changed; its spans may have changed since.
    pub(super) touched_at: UnixMs,
    /// The job.
    pub(super) job: Job,
}

/// Holds the row of a job that must exist until the transaction ends, and answers the moment that counts.
pub(super) async fn lock(db: &Session, id: JobId, now: UnixMs) -> Answer<UnixMs> {
    let row = db.first(sql::JOB_LOCK, params![id.0]).await?;
    let row = row.ok_or(Fail::Refused(StoreError::NotFound(id)))?;
    Ok(db.moment(now, get(&row, 1)?))
}

/// A job, if there is one.
pub(super) async fn look(db: &Session, id: JobId) -> Answer<Option<Head>> {
    let query = JobQuery { limit: 1, ..JobQuery::default() };
    Ok(page(db, Some(id), &query).await?.pop())
}

/// A job that must exist.
pub(super) async fn existing(db: &Session, id: JobId) -> Answer<Head> {
    look(db, id).await?.ok_or(Fail::Refused(StoreError::NotFound(id)))
}

/// Jobs, newest first.
pub(super) async fn page(db: &Session, id: Option<JobId>, query: &JobQuery) -> Answer<Vec<Head>> {
    let states: Vec<&str> = query.states.iter().map(|state| state.word()).collect();
    let states = (!states.is_empty()).then_some(states);
    let part = query.text.as_deref().map(|text| clean(&text.to_lowercase()).into_owned());
    let (id, before) = (id.map(|id| id.0), query.before.map(|before| before.0));
    let after = query.after.map(|after| after.0);
    let asked = params![id, before, states, part, int(query.limit as u64), after];
    db.rows(sql::JOB_PAGE, asked).await?.iter().map(read).collect()
}

impl Head {
    /// The state after a step, or the error that shows the job in whose state it is illegal.
    pub(super) fn stepped(&self, by: Step) -> Result<JobState> {
        step(self.job.state, by).ok_or_else(|| StoreError::Illegal(Box::new(self.job.clone())))
    }

    /// Writes a changed job where state and epoch are still what `self` says, and becomes it.
    pub(super) async fn write(&mut self, db: &Session, next: Job) -> Answer<()> {
        let pause = next.pause.as_ref().map(to_json).transpose()?;
        let error = next.error.as_ref().map(to_json).transpose()?;
        let written = db
            .execute(
                sql::JOB_STEP,
                params![
                    self.key,
                    self.job.state.word(),
                    int(self.job.epoch.0),
                    next.state.word(),
                    int(next.epoch.0),
                    pause,
                    error,
                    small(next.attempt.into()),
                    small(next.generation.into()),
                    at(next.started_at),
                    next.updated_at.0,
                    at(next.finished_at),
                    at(next.attempt_at),
                    to_json(&next.tuning)?,
                ],
            )
            .await?;
        if written != 1 {
            let moved = format!("job {} changed while its row was held", self.job.id);
            return Err(StoreError::Corrupt(moved).into());
        }
        self.touched_at = next.updated_at;
        self.job = next;
        self.job.updated_at = self.touched_at.max(self.job.checkpoint.saved_at.unwrap_or_default());
        Ok(())
    }

    /// Ends a job whose every row has an outcome.
    pub(super) async fn complete(&mut self, db: &Session, actor: &str, now: UnixMs) -> Answer<()> {
        let mut next = self.job.clone();
        next.state = self.stepped(Step::Complete)?;
        next.epoch = next.epoch.next();
        next.finished_at = Some(now);
        next.updated_at = now;
        next.leases = Vec::new();
        self.write(db, next).await?;
        let detail = crate::stored::all_done(self.job.total);
        events::note(db, self, now, EventKind::Completed, actor, None, &detail).await?;
        Ok(())
    }

    /// How far it goes on.
    pub(super) fn reach(&self) -> Reach {
        Reach::of(self.job.tuning, self.job.tally.processed(), self.job.total)
    }

    /// The row (from 1) from which it goes on; `None` when every row has an outcome.
    pub(super) fn next_row(&self) -> Option<u64> {
        let low_water = self.job.checkpoint.low_water;
        (low_water < self.job.total).then_some(low_water + 1)
    }
}

fn read(row: &Row) -> Answer<Head> {
    let pause: Option<&str> = get(row, 4)?;
    let error: Option<&str> = get(row, 5)?;
    let total = count(get(row, 6)?);
    let sum = tally(row, 23)?;
    let saved_at = moment(get(row, 27)?);
    let low_water = get::<Option<i64>>(row, 28)?.map_or(total, count);
    let touched_at = UnixMs(get(row, 12)?);
    let job = Job {
        id: JobId(get(row, 1)?),
        name: text(row, 2)?,
        state: state(get(row, 3)?)?,
        pause: pause.map(|pause| json("a pause", pause)).transpose()?,
        error: error.map(|error| json("an error", error)).transpose()?,
        total,
        tally: sum,
        checkpoint: Checkpoint {
            low_water,
            ahead: sum.processed().saturating_sub(low_water),
            saved_at,
            rests_until: moment(get(row, 31)?),
        },
        attempt: small_count(get(row, 7)?),
        generation: small_count(get(row, 8)?),
        epoch: epoch(get(row, 9)?),
        created_at: UnixMs(get(row, 10)?),
        started_at: moment(get(row, 11)?),
        // A commit of outcomes changes the job without touching its row: the spans know when the last was.
        updated_at: touched_at.max(saved_at.unwrap_or_default()),
        finished_at: moment(get(row, 13)?),
        attempt_at: moment(get(row, 14)?),
        recipe: Arc::from(get::<&str>(row, 15)?),
        tuning: json("the live limits", get(row, 16)?)?,
        input: JobInput {
            id: onward_core::id::InputId(get(row, 18)?),
            filename: text(row, 19)?,
            sha256: get(row, 20)?,
            bytes: count(get(row, 21)?),
            available: get(row, 22)?,
        },
        leases: leases(get(row, 29)?)?,
        in_doubt: count(get(row, 30)?),
    };
    Ok(Head { key: get(row, 0)?, work_digest: get(row, 17)?, touched_at, job })
}

/// A held span as the page statement writes it: a list, so that all come in one row.
type Held = (u32, String, u64, i64, Option<i64>, Option<i64>);

fn leases(text: Option<&str>) -> Answer<Vec<LeaseFact>> {
    let held: Vec<Held> = text.map_or(Ok(Vec::new()), |held| json("the leases", held))?;
    let fact = |(no, worker, under, until, row, since): Held| LeaseFact {
        span: SpanNo(no),
        worker: WorkerId(worker),
        epoch: Epoch(under),
        until: UnixMs(until),
        waiting: row.zip(since).map(|(row, since)| Waiting { row: row_index(row), since: UnixMs(since) }),
    };
    Ok(held.into_iter().map(fact).collect())
}
