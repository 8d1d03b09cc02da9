//! The claim loop: finds jobs that have a span nobody holds and starts a drive for each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use onward_core::id::JobId;
use tokio::sync::{Notify, mpsc};
use tokio::task::{Id, JoinError, JoinSet};

use crate::drive::{Nudge, Order, drive};
use crate::member::Place;

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
pub(crate) async fn work(
    template: Order,
    drives: Arc<Drives>,
    place: Arc<Place>,
    max_jobs: usize,
    stop: Arc<Notify>,
) {
    let mut tasks = JoinSet::new();
    let mut jobs = HashMap::new();
    loop {
        tokio::select! {
            Some(ended) = tasks.join_next_with_id(), if !tasks.is_empty() => {
                forget(&drives, &mut jobs, ended);
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
        let fresh: Vec<JobId> = ready.into_iter().filter(|job| !drives.lock().contains_key(job)).collect();
        for job in place.share(&fresh, free) {
            let (send, receive) = mpsc::channel(NUDGES);
            drives.lock().insert(job, send);
            let order = Order { job, ..template.clone() };
            jobs.insert(tasks.spawn(drive(order, receive)).id(), job);
        }
    }
    drives.drain();
    while let Some(ended) = tasks.join_next_with_id().await {
        forget(&drives, &mut jobs, ended);
    }
}

/// A drive has ended. One that crashed is told apart and costs only itself: its leases lapse, and the
/// job is taken up again.
fn forget(drives: &Drives, jobs: &mut HashMap<Id, JobId>, ended: Result<(Id, ()), JoinError>) {
    let id = match &ended {
        Ok((id, ())) => *id,
        Err(crashed) => crashed.id(),
    };
    let Some(job) = jobs.remove(&id) else { return };
    if ended.is_err() {
        tracing::error!(job.id = %job, "the drive of a job crashed; it is taken up again");
    }
    drives.lock().remove(&job);
}
