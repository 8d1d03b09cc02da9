//! Commands: the table of states and nothing else, one winner, and the exact position.

use std::sync::Arc;

use onward_core::id::{Epoch, JobId};
use onward_core::job::Job;
use onward_core::row::Outcome;
use onward_core::state::{JobState, PauseReason, Step, step};
use onward_core::store::{Store, StoreError};

use super::Subject;
use super::build::{Hand, at, command, job, look, new_uuid, run_to_end};

/// The steps that are commands; start, complete and retry have ways of their own.
const COMMANDS: [Step; 5] = [Step::Resume, Step::Restart, Step::ForceCancel, Step::Pause, Step::Fail];

/// Every state meets every step: legal ones are taken, the others change nothing.
pub async fn every_state_takes_the_steps_of_the_table_only(Subject { store, keep: _keep, .. }: Subject) {
    for state in JobState::ALL {
        for by in Step::ALL {
            let id = job_in(&store, state).await;
            let before = look(&store, id).await;
            let answer = store.command(&command(id, by, at(50))).await;
            match step(state, by).filter(|_| COMMANDS.contains(&by)) {
                Some(next) => {
                    let after = answer.expect("the step is legal");
                    assert_eq!((after.state, after.epoch), (next, before.epoch.next()), "{state} {by:?}");
                    assert_eq!(look(&store, id).await, after);
                }
                None => {
                    let lost_to = StoreError::Illegal(Box::new(before.clone()));
                    assert_eq!(answer, Err(lost_to), "{state} {by:?}");
                    assert_eq!(look(&store, id).await, before);
                }
            }
        }
    }
}

/// The button pressed by 64 people starts the job once (G12).
pub async fn of_64_resumes_exactly_one_wins(Subject { store, keep: _keep, .. }: Subject) {
    let id = job_in(&store, JobState::Cancelled).await;
    let before = look(&store, id).await;
    let answers = race(&store, id, Step::Resume, None).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for lost in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert!(matches!(lost, StoreError::Illegal(job) if job.state == JobState::Running), "{lost:?}");
    }
    let after = look(&store, id).await;
    assert_eq!((after.epoch, after.attempt), (before.epoch.next(), before.attempt + 1));
}

/// A restart is legal in the state it leads to, so the epoch the caller saw decides.
pub async fn of_64_restarts_that_saw_one_epoch_exactly_one_wins(Subject { store, keep: _keep, .. }: Subject) {
    let id = job_in(&store, JobState::Running).await;
    let seen = look(&store, id).await.epoch;
    let answers = race(&store, id, Step::Restart, Some(seen)).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for lost in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(*lost, StoreError::Fenced { found: seen.next() });
    }
}

/// 228 of 313 done, the job stopped, resumed: row 229 is next and nothing is done twice.
pub async fn resume_goes_on_from_row_229(Subject { store, keep: _keep, .. }: Subject) {
    let id = job(&store, 313).await;
    for rows in [0..100, 100..200, 200..228] {
        let mut hand = Hand::take(&store, id, "w", at(1)).await;
        hand.finish(rows.clone().filter(|row| row % 20 != 3), Outcome::Added, at(2)).await.expect("it holds");
        hand.finish(rows.filter(|row| row % 20 == 3), Outcome::Failed, at(2)).await.expect("it holds");
    }
    let stopped = store.command(&command(id, Step::ForceCancel, at(3))).await.expect("the step is legal");
    assert_eq!((stopped.state, stopped.finished_at), (JobState::Cancelled, Some(at(3))));
    assert_eq!((stopped.tally.processed(), stopped.resume_from_row()), (228, Some(229)));

    let resumed = store.command(&command(id, Step::Resume, at(4))).await.expect("the step is legal");
    assert_eq!((resumed.state, resumed.finished_at), (JobState::Running, None));
    assert_eq!((resumed.attempt, resumed.attempt_at), (2, Some(at(4))));
    assert_eq!((resumed.tally, resumed.resume_from_row()), (stopped.tally, Some(229)));
    let hand = Hand::take(&store, id, "w2", at(5)).await;
    assert_eq!(hand.open().next(), Some(228));
    assert_eq!(hand.open().count(), 72, "85 are left, 13 of them in the last span");
    run_to_end(&store, id, at(6)).await;
    let events = store.events(Some(id), 0, 100).await.expect("it answers");
    let from: Vec<_> = events.iter().filter(|event| event.epoch == resumed.epoch).collect();
    assert_eq!(from.iter().map(|event| event.from_row).collect::<Vec<_>>(), [Some(229)]);
}

/// A held job says why, a failed one too; going on clears both.
pub async fn reasons_stay_until_the_job_goes_on(Subject { store, keep: _keep, .. }: Subject) {
    let id = job_in(&store, JobState::Running).await;
    let paused = store.command(&command(id, Step::Pause, at(2))).await.expect("the step is legal");
    assert_eq!(paused.pause.map(|pause| pause.reason), Some(PauseReason::User));
    let running = store.command(&command(id, Step::Resume, at(3))).await.expect("the step is legal");
    assert_eq!(running.pause, None);
    let failed = store.command(&command(id, Step::Fail, at(4))).await.expect("the step is legal");
    assert_eq!(failed.error.map(|error| error.code).as_deref(), Some("upstream-down"));
    assert_eq!(failed.finished_at, Some(at(4)));
    let running = store.command(&command(id, Step::Resume, at(5))).await.expect("the step is legal");
    assert_eq!((running.error, running.finished_at), (None, None));
}

/// A caller whose picture is old changes nothing.
pub async fn a_command_that_saw_an_old_epoch_is_refused(Subject { store, keep: _keep, .. }: Subject) {
    let id = job_in(&store, JobState::Running).await;
    let before = look(&store, id).await;
    let mut late = command(id, Step::ForceCancel, at(9));
    late.epoch = Some(Epoch(before.epoch.0 - 1));
    assert_eq!(store.command(&late).await, Err(StoreError::Fenced { found: before.epoch }));
    assert_eq!(look(&store, id).await, before);
    late.epoch = Some(before.epoch);
    store.command(&late).await.expect("this one saw the present epoch");
}

/// There is nothing to command.
pub async fn a_command_to_no_job_says_so(Subject { store, keep: _keep, .. }: Subject) {
    let gone = JobId(new_uuid());
    let answer = store.command(&command(gone, Step::Resume, at(1))).await;
    assert_eq!(answer, Err(StoreError::NotFound(gone)));
}

/// A job that was led into this state by legal steps.
async fn job_in(store: &Arc<dyn Store>, state: JobState) -> JobId {
    let id = job(store, 3).await;
    let by = match state {
        JobState::Queued => return id,
        JobState::Running => None,
        JobState::Paused => Some(Step::Pause),
        JobState::Failed => Some(Step::Fail),
        JobState::Cancelled => Some(Step::ForceCancel),
        JobState::Completed => {
            run_to_end(store, id, at(1)).await;
            return id;
        }
    };
    Hand::take(store, id, "w", at(1)).await;
    if let Some(by) = by {
        store.command(&command(id, by, at(1))).await.expect("the step is legal");
    }
    id
}

async fn race(
    store: &Arc<dyn Store>,
    id: JobId,
    by: Step,
    epoch: Option<Epoch>,
) -> Vec<Result<Job, StoreError>> {
    let press = |_| {
        let (store, mut command) = (store.clone(), command(id, by, at(60)));
        command.epoch = epoch;
        tokio::spawn(async move { store.command(&command).await })
    };
    let mut answers = Vec::new();
    for task in (0..64).map(press).collect::<Vec<_>>() {
        answers.push(task.await.expect("it does not panic"));
    }
    answers
}
