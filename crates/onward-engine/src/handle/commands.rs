//! The actions on a job: each is one step of the state table, taken by the store at once or refused.

use std::path::Path;

use onward_core::doubt::Stand;
use onward_core::id::{InputId, JobId, RowIndex};
use onward_core::job::{Go, Job, Pause, Tuning};
use onward_core::pace::RateLimit;
use onward_core::problem::{Code, Problem};
use onward_core::row::Outcome;
use onward_core::state::{JobState, PauseReason, Step};
use onward_core::store::{Command, Retry, Settle, StoreError};

use super::{Engine, Submission};
use crate::adopt::{self, Adopted, Evidence};
use crate::attach::{self, Difference, Intent, Proposal};
use crate::clock;
use crate::feed::FeedEvent;
use crate::input;
use crate::mishap;
use crate::snapshot::Snapshot;

/// The largest concurrency a job may be given, as in a recipe.
const MAX_CONCURRENCY: u32 = 10_000;
/// The largest breaker, as in a recipe.
const MAX_FAILURES_IN_A_ROW: u32 = 10_000;

/// Live limits to change; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Calls in flight, 1 to 10,000.
    pub concurrency: Option<u32>,
    /// Calls per time, or no limit of it.
    pub rate: Option<RateLimit>,
    /// Failures in a row that open the breaker; 0 means never.
    pub breaker: Option<u32>,
}

impl Engine {
    /// Goes on from the exact position; answers the row (from 1) as well. With `first`, so many rows are
    /// done and the job is held again.
    pub async fn resume(
        &self,
        id: JobId,
        first: Option<u64>,
        actor: &str,
    ) -> Result<(u64, Snapshot), Problem> {
        let before = self.job(id).await?.job;
        may_resume(&before)?;
        if before.resume_from_row().is_some() {
            input::check_rest(self.store(), &before).await?;
        }
        let go = first.map_or(Go::Fully, Go::First);
        let job = self.take(id, Step::Resume, actor, None, go).await.map_err(|error| {
            let StoreError::Illegal(job) = error else { return mishap::problem(error) };
            may_resume(&job).err().unwrap_or_else(|| mishap::refused(&job, Code::JobNotResumable))
        })?;
        Ok((from_row(&job), self.snapshot(job).await))
    }

    /// Takes the work away from whoever holds it and goes on from the checkpoint. A job that makes
    /// progress is left alone unless `force`.
    pub async fn restart(&self, id: JobId, force: bool, actor: &str) -> Result<(u64, Snapshot), Problem> {
        let mut before = self.job(id).await?;
        let attempt = before.job.attempt;
        loop {
            if before.job.state != JobState::Running {
                return Err(mishap::refused(&before.job, Code::JobNotRunning));
            }
            if before.stuck.is_none() && !force {
                return Err(not_stuck(&before.job));
            }
            input::check_rest(self.store(), &before.job).await?;
            // Of several who ask at once one restarts it (G12): the others find another epoch.
            let command = Command { epoch: Some(before.job.epoch), ..command(id, Step::Restart, actor) };
            match self.send(command).await {
                Ok(job) => return Ok((from_row(&job), self.snapshot(job).await)),
                Err(StoreError::Fenced { .. }) => before = self.job(id).await?,
                Err(error) => return Err(not_running(error)),
            }
            // A claim of a busy worker moves the epoch too; a restart begins another attempt.
            if before.job.attempt != attempt {
                return Err(not_stuck(&before.job));
            }
        }
    }

    /// Stops for good; a second time changes nothing and is fine.
    pub async fn force_cancel(&self, id: JobId, actor: &str) -> Result<Snapshot, Problem> {
        match self.take(id, Step::ForceCancel, actor, None, Go::Fully).await {
            Ok(job) => Ok(self.snapshot(job).await),
            Err(StoreError::Illegal(job)) if job.state == JobState::Cancelled => {
                Ok(self.snapshot(*job).await)
            }
            Err(error) => Err(not_running(error)),
        }
    }

    /// Holds; a second time changes nothing and is fine.
    pub async fn pause(&self, id: JobId, actor: &str) -> Result<Snapshot, Problem> {
        let message = format!("held by {actor}");
        let pause = Pause { reason: PauseReason::User, message, probe_at: None };
        match self.take(id, Step::Pause, actor, Some(pause), Go::Fully).await {
            Ok(job) => Ok(self.snapshot(job).await),
            Err(StoreError::Illegal(job)) if job.state == JobState::Paused => Ok(self.snapshot(*job).await),
            Err(error) => Err(not_running(error)),
        }
    }

    /// Opens rows again; answers how many. Of a job that runs nothing is opened.
    pub async fn retry(
        &self,
        id: JobId,
        outcome: Outcome,
        code: Option<String>,
        text: Option<String>,
        rows: Vec<RowIndex>,
        actor: &str,
    ) -> Result<(u64, Snapshot), Problem> {
        let before = self.job(id).await?.job;
        if before.state.is_active() {
            return Err(mishap::refused(&before, Code::JobAlreadyRunning));
        }
        if !before.input.available {
            return Err(input::gone(&before));
        }
        let (actor, now) = (actor.to_owned(), clock::now());
        let retry = Retry { job: id, outcome, code, text, rows, actor, now };
        let (count, job) = self.store().retry(&retry).await.map_err(|error| {
            if let StoreError::Illegal(job) = &error {
                return mishap::refused(job, Code::JobAlreadyRunning);
            }
            mishap::about(mishap::problem(error), &before)
        })?;
        self.inner.drives.nudge(id);
        Ok((count, self.snapshot(job).await))
    }

    /// Says of rows in doubt that wait for a person whether they are done or to be called again; `rows` empty
    /// means all that wait. A job that is held for them goes on. Answers how many.
    pub async fn settle(
        &self,
        id: JobId,
        rows: Vec<RowIndex>,
        stand: Stand,
        actor: &str,
    ) -> Result<(u64, Snapshot), Problem> {
        let before = self.job(id).await?.job;
        let settle = Settle { job: id, rows, stand, actor: actor.to_owned(), now: clock::now() };
        let count = self.store().settle(&settle).await.map_err(mishap::problem)?;
        if count == 0 {
            return Err(mishap::refused(&before, Code::NothingInDoubt));
        }
        let waits = before.pause.as_ref().is_some_and(|pause| pause.reason == PauseReason::InDoubt);
        if waits && before.input.available {
            match self.take(id, Step::Resume, actor, None, Go::Fully).await {
                // Somebody else was faster.
                Ok(_) | Err(StoreError::Illegal(_)) => {}
                Err(error) => return Err(mishap::problem(error)),
            }
        }
        self.inner.drives.nudge(id);
        Ok((count, self.job(id).await?))
    }

    /// Makes a job of which somebody else has done some rows, or says how many.
    pub async fn adopt(
        &self,
        mut submission: Submission,
        evidence: &Evidence,
        intent: Intent,
    ) -> Result<(Adopted, Option<Snapshot>), Problem> {
        self.add_standing(&mut submission.recipe)?;
        self.check_hooks(&submission.recipe)?;
        let processor = (self.inner.builder)(&submission.recipe)?;
        processor.check().await.map_err(|cannot| Problem::new(cannot.code, cannot.message))?;
        let (adopted, job) =
            adopt::adopt(self.store(), submission, &processor.needs(), evidence, intent).await?;
        if let Some(job) = &job {
            self.inner.drives.nudge(job.id);
        }
        let snapshot = match job {
            Some(job) => Some(self.snapshot(job).await),
            None => None,
        };
        Ok((adopted, snapshot))
    }

    /// Puts another file under a job that stands still, or says what would change.
    pub async fn attach(
        &self,
        id: JobId,
        file: &Path,
        filename: &str,
        intent: Intent,
        actor: &str,
    ) -> Result<(Difference, Snapshot), Problem> {
        let job = self.job(id).await?.job;
        // What may not run here, such as a command of the terminal at a server, may still be compared.
        let work = (self.inner.builder)(&input::stored_recipe(&job)?);
        let needs = work.map_or_else(|_| Vec::new(), |work| work.needs());
        let proposal = Proposal { file, filename, needs: &needs, intent, actor };
        let (difference, job) = attach::attach(self.store(), &job, proposal).await?;
        if intent == Intent::Attach {
            self.inner.drives.nudge(id);
        }
        Ok((difference, self.snapshot(job).await))
    }

    /// Attaches a file that was compared with this job and kept ([`Intent::Keep`]), or says once more how it
    /// differs. Said twice, the second time changes nothing and is fine.
    pub async fn confirm(
        &self,
        id: JobId,
        kept: InputId,
        intent: Intent,
        actor: &str,
    ) -> Result<(Difference, Snapshot), Problem> {
        let job = self.job(id).await?.job;
        let (difference, job) = attach::confirm(self.store(), &job, kept, intent, actor).await?;
        if intent == Intent::Attach {
            self.inner.drives.nudge(id);
        }
        Ok((difference, self.snapshot(job).await))
    }

    /// Lets go of a file that was compared with this job and kept, and is not wanted after all.
    pub async fn forget_compared(&self, id: JobId, kept: InputId) -> Result<(), Problem> {
        let job = self.job(id).await?.job;
        attach::forget(self.store(), &job, kept).await
    }

    /// Changes the name and the live limits; what is `None` stays. Takes effect within a second.
    pub async fn tune(
        &self,
        id: JobId,
        name: Option<String>,
        limits: Limits,
        actor: &str,
    ) -> Result<Snapshot, Problem> {
        let Limits { concurrency, rate, breaker } = limits;
        let before = self.job(id).await?.job;
        let limits = concurrency.is_some() || rate.is_some() || breaker.is_some();
        if limits && before.state == JobState::Completed {
            return Err(mishap::refused(&before, Code::JobFinished));
        }
        if concurrency.is_some_and(|calls| !(1..=MAX_CONCURRENCY).contains(&calls)) {
            let detail = format!("concurrency must be from 1 to {MAX_CONCURRENCY}");
            return Err(Problem::new(Code::InvalidLimit, detail));
        }
        if breaker.is_some_and(|failures| failures > MAX_FAILURES_IN_A_ROW) {
            let detail = format!("the breaker must be from 0 (never) to {MAX_FAILURES_IN_A_ROW}");
            return Err(Problem::new(Code::InvalidLimit, detail));
        }
        let tuning = limits.then(|| Tuning { concurrency, rate, breaker, ..Tuning::default() });
        let changed = self.store().tune(id, name.as_deref(), tuning, actor, clock::now()).await;
        let job = changed.map_err(mishap::problem)?;
        self.inner.drives.nudge(id);
        Ok(self.snapshot(job).await)
    }

    /// Deletes a job that is not active.
    pub async fn delete(&self, id: JobId) -> Result<(), Problem> {
        self.store().delete_job(id).await.map_err(|error| illegal(error, Code::JobRunning))?;
        let seq = self.inner.seq.load(std::sync::atomic::Ordering::Relaxed);
        // Nobody watching is no error.
        let _ = self.inner.events.send(FeedEvent::Deleted { seq, job: id });
        Ok(())
    }

    async fn take(
        &self,
        id: JobId,
        step: Step,
        actor: &str,
        pause: Option<Pause>,
        go: Go,
    ) -> Result<Job, StoreError> {
        self.send(Command { pause, go, ..command(id, step, actor) }).await
    }

    async fn send(&self, command: Command) -> Result<Job, StoreError> {
        let job = self.store().command(&command).await?;
        self.inner.drives.nudge(command.job);
        Ok(job)
    }
}

/// A person's command, whatever the job's epoch is.
fn command(job: JobId, step: Step, actor: &str) -> Command {
    let (actor, now) = (actor.to_owned(), clock::now());
    Command { job, step, epoch: None, actor, now, pause: None, error: None, go: Go::Fully }
}

fn may_resume(job: &Job) -> Result<(), Problem> {
    let code = match job.state {
        JobState::Queued | JobState::Running => Code::JobAlreadyRunning,
        JobState::Completed => Code::JobNotResumable,
        // With no row left the step completes the job: it was stopped between its last row and its completion.
        JobState::Paused | JobState::Failed | JobState::Cancelled => return Ok(()),
    };
    Err(mishap::refused(job, code))
}

fn not_running(error: StoreError) -> Problem {
    illegal(error, Code::JobNotRunning)
}

/// The problem of a refusal; `code` when the step is illegal in the job's state.
fn illegal(error: StoreError, code: Code) -> Problem {
    let StoreError::Illegal(job) = error else { return mishap::problem(error) };
    mishap::refused(&job, code)
}

fn not_stuck(job: &Job) -> Problem {
    let saved = job.checkpoint.saved_at;
    let last = saved.map_or_else(
        || "no row is saved yet, and it is not late".to_owned(),
        |at| format!("the last row was saved {} s ago", clock::now().ms_since(at) / 1_000),
    );
    let detail = format!("{last}; force a restart if you are sure");
    let problem = mishap::about(Problem::new(Code::JobNotStuck, detail), job);
    // The server writes moments as text; here they are numbers.
    match saved {
        Some(at) => problem.with("last_checkpoint_at_ms", at.0),
        None => problem.with("last_checkpoint_at", serde_json::Value::Null),
    }
}

fn from_row(job: &Job) -> u64 {
    job.resume_from_row().unwrap_or(job.total)
}
