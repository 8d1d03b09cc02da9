//! Periodic chores: give back what dead workers held, try held jobs again, measure rates, sweep inputs
//! that nobody needs.

use std::sync::Arc;
use std::time::Duration;

use onward_core::job::{Go, Job};
use onward_core::state::{JobState, PauseReason, Step};
use onward_core::store::{Command, JobQuery, Store};

use crate::clock;
use crate::gauges::Gauges;
use crate::worker::Drives;

/// How often the chores are done, in milliseconds: with the lease this bounds a take-over to 15 s.
const ROUND_MS: u64 = 1_000;
/// Jobs looked at per round; more running jobs than this are measured in turns of the list.
const JOBS_PER_ROUND: usize = 200;
/// Every so many rounds unneeded inputs are swept: every ten minutes.
const SWEEP_ROUNDS: u64 = 600;
/// Inputs younger than this may belong to an upload that is still running, in milliseconds.
const SWEEP_AGE_MS: i64 = 3_600_000;

/// Does the chores for ever.
pub(crate) async fn rounds(store: Arc<dyn Store>, drives: Arc<Drives>, gauges: Arc<Gauges>) {
    for round in 0u64.. {
        rescue(&*store, &drives).await;
        active(&*store, &drives, &gauges).await;
        if round % SWEEP_ROUNDS == SWEEP_ROUNDS - 1 {
            sweep(&*store).await;
        }
        tokio::time::sleep(Duration::from_millis(ROUND_MS)).await;
    }
}

async fn rescue(store: &dyn Store, drives: &Drives) {
    match store.rescue(clock::now()).await {
        Ok(rescued) => {
            for rescued in rescued {
                tracing::warn!(job.id = %rescued.job, span = %rescued.span, worker = %rescued.worker, "took a span from a worker whose lease lapsed");
                drives.nudge(rescued.job);
            }
        }
        Err(error) => tracing::warn!(%error, "failed to look for lapsed leases"),
    }
}

async fn active(store: &dyn Store, drives: &Drives, gauges: &Gauges) {
    let query = JobQuery {
        states: vec![JobState::Running, JobState::Paused],
        limit: JOBS_PER_ROUND,
        ..JobQuery::default()
    };
    let jobs = store.jobs(&query).await.unwrap_or_default();
    for job in jobs {
        let due = match job.state {
            JobState::Running => {
                gauges.sample(&job, clock::now());
                false
            }
            JobState::Paused => {
                gauges.forget(job.id);
                probe_due(&job)
            }
            JobState::Queued | JobState::Completed | JobState::Failed | JobState::Cancelled => false,
        };
        if due {
            let (step, actor, now) = (Step::Resume, "breaker".to_owned(), clock::now());
            let (epoch, pause, error, go) = (None, None, None, Go::Probe);
            let command = Command { job: job.id, step, epoch, actor, now, pause, error, go };
            if let Err(error) = store.command(&command).await {
                tracing::debug!(job.id = %job.id, %error, "a chore came too late for a job");
            }
            drives.nudge(job.id);
        }
    }
}

fn probe_due(job: &Job) -> bool {
    job.pause.as_ref().is_some_and(|pause| {
        pause.reason != PauseReason::User && pause.probe_at.is_some_and(|at| at <= clock::now())
    })
}

async fn sweep(store: &dyn Store) {
    let now = clock::now();
    let before = onward_core::clock::UnixMs(now.0 - SWEEP_AGE_MS);
    if let Err(error) = store.sweep_inputs(before).await {
        tracing::warn!(%error, "failed to sweep inputs that nobody needs");
    }
}
