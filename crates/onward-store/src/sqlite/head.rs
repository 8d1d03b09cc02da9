//! A job as its row in `jobs` has it, and the full picture with what its spans say.

use std::sync::Arc;

use onward_core::checkpoint::Checkpoint;
use onward_core::clock::UnixMs;
use onward_core::event::EventKind;
use onward_core::id::{JobId, SpanNo, WorkerId};
use onward_core::job::{Job, JobInput, LeaseFact, Waiting};
use onward_core::state::{JobState, Step, step};
use onward_core::store::{Reach, Result, StoreError};
use onward_core::tally::Tally;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::failure::{Answer, Fail};
use super::values::{count, epoch, int, json, moment, row_index, state, tally, to_json, uuid};
use super::{doubts, events, sql};

/// A job and its inner key. What its spans say is filled in by [`full`].
#[derive(Debug, Clone)]
pub(super) struct Head {
    /// The inner key.
    pub(super) key: i64,
    /// Names the work.
    pub(super) work_digest: String,
    /// The job; counters, checkpoint and leases are empty unless the head is full.
    pub(super) job: Job,
}

/// The row of a job, without its spans.
pub(super) fn head(db: &Connection, id: JobId) -> Answer<Option<Head>> {
    let mut statement = db.prepare_cached(sql::JOB_HEAD)?;
    let mut rows = statement.query([id.to_string()])?;
    rows.next()?.map(read_head).transpose()
}

/// The same with its counters, its checkpoint and who holds it.
pub(super) fn full(db: &Connection, id: JobId) -> Answer<Option<Head>> {
    let Some(mut head) = head(db, id)? else { return Ok(None) };
    fill(db, &mut head)?;
    Ok(Some(head))
}

/// The same, when the job must exist.
pub(super) fn existing(db: &Connection, id: JobId) -> Answer<Head> {
    full(db, id)?.ok_or(Fail::Refused(StoreError::NotFound(id)))
}

/// The inner key of a job that must exist.
pub(super) fn key(db: &Connection, id: JobId) -> Answer<i64> {
    let found = db.prepare_cached(sql::JOB_KEY)?.query_row([id.to_string()], |row| row.get(0)).optional()?;
    found.ok_or(Fail::Refused(StoreError::NotFound(id)))
}

impl Head {
    /// The state after a step, or the error that shows the job in whose state it is illegal.
    pub(super) fn stepped(&self, by: Step) -> Result<JobState> {
        step(self.job.state, by).ok_or_else(|| StoreError::Illegal(Box::new(self.job.clone())))
    }

    /// Writes a changed job where state and epoch are still what `self` says, and becomes it.
    pub(super) fn write(&mut self, db: &Connection, next: Job) -> Answer<()> {
        let pause = next.pause.as_ref().map(to_json).transpose()?;
        let error = next.error.as_ref().map(to_json).transpose()?;
        let written = db.prepare_cached(sql::JOB_STEP)?.execute(params![
            self.key,
            self.job.state.word(),
            int(self.job.epoch.0),
            next.state.word(),
            int(next.epoch.0),
            pause,
            error,
            next.attempt,
            next.generation,
            next.started_at.map(|at| at.0),
            next.updated_at.0,
            next.finished_at.map(|at| at.0),
            next.attempt_at.map(|at| at.0),
            to_json(&next.tuning)?,
        ])?;
        if written != 1 {
            let moved = format!("job {} changed inside a transaction of its own", self.job.id);
            return Err(StoreError::Corrupt(moved).into());
        }
        self.job = next;
        Ok(())
    }

    /// Ends a job whose every row has an outcome.
    pub(super) fn complete(&mut self, db: &Connection, actor: &str, now: UnixMs) -> Answer<()> {
        let mut next = self.job.clone();
        next.state = self.stepped(Step::Complete)?;
        next.epoch = next.epoch.next();
        next.finished_at = Some(now);
        next.updated_at = now;
        self.write(db, next)?;
        let detail = crate::stored::all_done(self.job.total);
        events::note(db, self, now, EventKind::Completed, actor, None, &detail)?;
        Ok(())
    }

    /// Whether somebody holds a span of it.
    pub(super) fn is_held(&self, db: &Connection) -> Answer<bool> {
        Ok(db.prepare_cached(sql::JOB_IS_HELD)?.query_row([self.key], |row| row.get(0))?)
    }

    /// How far it goes on. The counters are only summed up when that depends on them.
    pub(super) fn reach(&self, db: &Connection) -> Answer<Reach> {
        let tuning = self.job.tuning;
        let processed = if tuning.is_alone() { counters(db, self.key)?.sum.processed() } else { 0 };
        Ok(Reach::of(tuning, processed, self.job.total))
    }

    /// The row (from 1) from which it goes on; `None` when every row has an outcome.
    pub(super) fn next_row(&self, db: &Connection) -> Answer<Option<u64>> {
        let low_water = low_water(db, self.key, self.job.total)?;
        Ok((low_water < self.job.total).then_some(low_water + 1))
    }
}

/// Fills in what the spans say.
pub(super) fn fill(db: &Connection, head: &mut Head) -> Answer<()> {
    let Counts { sum, saved_at, rests_until } = counters(db, head.key)?;
    let low_water = low_water(db, head.key, head.job.total)?;
    let job = &mut head.job;
    job.tally = sum;
    job.in_doubt = match job.state {
        // Every row has an outcome.
        JobState::Completed => 0,
        JobState::Queued | JobState::Running | JobState::Paused | JobState::Failed | JobState::Cancelled => {
            doubts::count(db, head.key, low_water)?
        }
    };
    let ahead = sum.processed().saturating_sub(low_water);
    job.checkpoint = Checkpoint { low_water, ahead, saved_at, rests_until };
    job.leases = match job.state {
        JobState::Running => leases(db, head.key)?,
        JobState::Queued | JobState::Paused | JobState::Completed => Vec::new(),
        JobState::Failed | JobState::Cancelled => Vec::new(),
    };
    // A commit of outcomes changes the job without touching its row: the spans know when the last was.
    // A renewal is no change; its mark is gone with the lease, and time would run backwards.
    job.updated_at = job.updated_at.max(saved_at.unwrap_or_default());
    Ok(())
}

/// What the spans of a job add up to.
struct Counts {
    sum: Tally,
    saved_at: Option<UnixMs>,
    rests_until: Option<UnixMs>,
}

fn counters(db: &Connection, key: i64) -> Answer<Counts> {
    let mut counts = db.prepare_cached(sql::JOB_COUNTS)?;
    let read = |row: &Row<'_>| {
        Ok(Counts { sum: tally(row, 0)?, saved_at: moment(row.get(4)?), rests_until: moment(row.get(5)?) })
    };
    Ok(counts.query_row([key], read)?)
}

fn low_water(db: &Connection, key: i64, total: u64) -> Answer<u64> {
    let mut statement = db.prepare_cached(sql::JOB_LOW_WATER)?;
    let first: Option<i64> = statement.query_row([key], |row| row.get(0))?;
    Ok(first.map_or(total, count))
}

fn leases(db: &Connection, key: i64) -> Answer<Vec<LeaseFact>> {
    let mut statement = db.prepare_cached(sql::JOB_LEASES)?;
    let lease = |row: &Row<'_>| {
        let waiting: (Option<i64>, Option<i64>) = (row.get(4)?, row.get(5)?);
        Ok(LeaseFact {
            span: SpanNo(row.get(0)?),
            worker: WorkerId(row.get(1)?),
            epoch: epoch(row.get(2)?),
            until: UnixMs(row.get(3)?),
            waiting: waiting
                .0
                .zip(waiting.1)
                .map(|(row, since)| Waiting { row: row_index(row), since: UnixMs(since) }),
        })
    };
    Ok(statement.query_map([key], lease)?.collect::<rusqlite::Result<_>>()?)
}

fn read_head(row: &Row<'_>) -> Answer<Head> {
    let text = |at: usize| row.get_ref(at)?.as_str().map_err(rusqlite::Error::from);
    let pause = row.get::<_, Option<String>>(4)?.map(|text| json("a pause", &text)).transpose()?;
    let error = row.get::<_, Option<String>>(5)?.map(|text| json("an error", &text)).transpose()?;
    let job = Job {
        id: uuid(text(1)?)?,
        name: row.get(2)?,
        state: state(text(3)?)?,
        pause,
        error,
        total: count(row.get(6)?),
        tally: Default::default(),
        checkpoint: Checkpoint::default(),
        attempt: row.get(7)?,
        generation: row.get(8)?,
        epoch: epoch(row.get(9)?),
        created_at: UnixMs(row.get(10)?),
        started_at: moment(row.get(11)?),
        updated_at: UnixMs(row.get(12)?),
        finished_at: moment(row.get(13)?),
        attempt_at: moment(row.get(14)?),
        recipe: Arc::from(text(15)?),
        tuning: json("the live limits", text(16)?)?,
        input: JobInput {
            id: uuid(text(18)?)?,
            filename: row.get(19)?,
            sha256: row.get(20)?,
            bytes: count(row.get(21)?),
            available: row.get(22)?,
        },
        leases: Vec::new(),
        in_doubt: 0,
    };
    Ok(Head { key: row.get(0)?, work_digest: row.get(17)?, job })
}
