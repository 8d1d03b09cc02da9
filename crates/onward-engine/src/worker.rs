//! The claim loop: finds jobs that have a span nobody holds and starts a drive for each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use onward_core::id::JobId;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use crate::drive::{Nudge, Order, drive};

/// How often the loop looks for work when nobody tells it, in milliseconds: a new worker takes work
/// within a second, and a look costs one indexed query.
const LOOK_MS: u64 = 250;
/// Nudges that may wait for a drive; more of them would say nothing new.
const NUDGES: usize = 8;

/// The drives of this process, by job.
#[derive(Default)]
pub(crate) struct Drives {
    running: Mutex<HashMap<JobId, mpsc::Sender<Nudge>>>,
    pub(crate) wake: Notify,
}

impl Drives {
    /// Tells the drive of a job, if there is one, and wakes the claim loop.
    pub(crate) fn nudge(&self, job: JobId) {
        if let Some(sender) = self.lock().get(&job) {
            // A full queue holds a look already.
            let _ = sender.try_send(Nudge::Look);
        }
        self.wake.notify_one();
    }

    fn drain(&self) {
        for sender in self.lock().values() {
            let _ = sender.try_send(Nudge::Drain);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, mpsc::Sender<Nudge>>> {
        self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Looks for work until told to stop; then lets every drive finish the rows in hand.
pub(crate) async fn work(template: Order, drives: Arc<Drives>, max_jobs: usize, stop: Arc<Notify>) {
    let mut tasks: JoinSet<JobId> = JoinSet::new();
    loop {
        tokio::select! {
            Some(ended) = tasks.join_next(), if !tasks.is_empty() => {
                if let Ok(job) = ended { drives.lock().remove(&job); }
            }
            () = drives.wake.notified() => {}
            () = tokio::time::sleep(Duration::from_millis(LOOK_MS)) => {}
            () = stop.notified() => break,
        }
        let free = max_jobs.saturating_sub(drives.lock().len());
        if free == 0 {
            continue;
        }
        // Jobs driven here already may fill the first places of the answer.
        let ready = template.store.claimable(max_jobs * 2).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "failed to look for work");
            Vec::new()
        });
        let fresh: Vec<JobId> =
            ready.into_iter().filter(|job| !drives.lock().contains_key(job)).take(free).collect();
        for job in fresh {
            let (send, receive) = mpsc::channel(NUDGES);
            drives.lock().insert(job, send);
            let order = Order { job, ..template.clone() };
            tasks.spawn(async move {
                // A task of its own, so that a crash of one drive is told apart and forgets only itself.
                let crashed = tokio::spawn(drive(order, receive)).await.is_err();
                if crashed {
                    tracing::error!(job.id = %job, "the drive of a job crashed; its leases lapse and it is taken up again");
                }
                job
            });
        }
    }
    drives.drain();
    while let Some(ended) = tasks.join_next().await {
        if let Ok(job) = ended {
            drives.lock().remove(&job);
        }
    }
}
