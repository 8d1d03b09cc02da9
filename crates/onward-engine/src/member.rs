//! This process among the workers of its store: it says that it lives, learns its place, and hears
//! when it is to be drained.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use onward_core::clock::UnixMs;
use onward_core::id::{JobId, WorkerId};
use onward_core::store::{BEAT_MS, Beat, Store, Wish};

use crate::clock;

/// How long the farewell to the registry may take; without it the worker is taken for lost after a while.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where this worker stands among the living ones.
#[derive(Debug, Default)]
pub(crate) struct Place {
    rank: AtomicU32,
    of: AtomicU32,
}

impl Place {
    fn set(&self, rank: u32, of: u32) {
        self.rank.store(rank, Ordering::Relaxed);
        self.of.store(of, Ordering::Relaxed);
    }

    /// Which of the ready jobs this worker takes: its share, and not the share of the others that look
    /// at the same moment. When there are fewer jobs than workers, several take the same one and share
    /// its spans.
    pub(crate) fn share(&self, ready: &[JobId], free: usize) -> Vec<JobId> {
        let (rank, of) = (self.rank.load(Ordering::Relaxed), self.of.load(Ordering::Relaxed));
        let (rank, of) = (rank as usize, of.max(1) as usize);
        let mut mine: Vec<JobId> = ready.iter().skip(rank % of).step_by(of).copied().take(free).collect();
        if mine.is_empty() && free > 0 && !ready.is_empty() {
            mine.push(ready[rank % ready.len()]);
        }
        mine
    }

    /// Whether this worker does what one of several may do for all of them: so many take turns, at most.
    pub(crate) fn is_turn(&self, round: u64, several: u32) -> bool {
        let (rank, of) = (self.rank.load(Ordering::Relaxed), self.of.load(Ordering::Relaxed));
        let of = of.clamp(1, several);
        round % u64::from(of) == u64::from(rank % of)
    }
}

/// Gives signs of life until this worker is asked to hand back what it holds.
pub(crate) async fn until_drained(store: Arc<dyn Store>, worker: WorkerId, host: String, place: Arc<Place>) {
    let started_at = clock::now();
    loop {
        match store.beat(&beat(&worker, &host, started_at)).await {
            Ok(presence) => {
                place.set(presence.rank, presence.of);
                if presence.wish == Wish::Drain {
                    return;
                }
            }
            Err(error) => tracing::warn!(%error, "a sign of life did not reach the store"),
        }
        tokio::time::sleep(Duration::from_millis(BEAT_MS)).await;
    }
}

/// Ends the registration.
pub(crate) async fn leave(store: &dyn Store, worker: &WorkerId) {
    match tokio::time::timeout(FAREWELL, store.leave(worker)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the farewell did not reach the store"),
        Err(_) => tracing::debug!("the store did not take the farewell in time"),
    }
}

fn beat(worker: &WorkerId, host: &str, started_at: UnixMs) -> Beat {
    Beat {
        worker: worker.clone(),
        host: host.to_owned(),
        pid: std::process::id(),
        started_at,
        now: clock::now(),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn shares(jobs: u128, workers: u32, free: usize) -> Vec<Vec<u128>> {
        let ready: Vec<JobId> = (0..jobs).map(|no| JobId(Uuid::from_u128(no))).collect();
        (0..workers)
            .map(|rank| {
                let place = Place::default();
                place.set(rank, workers);
                place.share(&ready, free).into_iter().map(|job| job.0.as_u128()).collect()
            })
            .collect()
    }

    #[test]
    fn one_of_several_has_the_turn_and_one_alone_always_has_it() {
        let turns = |rank, of| {
            let place = Place::default();
            place.set(rank, of);
            (0..6).filter(|round| place.is_turn(*round, 3)).collect::<Vec<u64>>()
        };
        assert_eq!(turns(0, 0), [0, 1, 2, 3, 4, 5], "no worker itself");
        assert_eq!(turns(0, 1), [0, 1, 2, 3, 4, 5]);
        assert_eq!((turns(0, 2), turns(1, 2)), (vec![0, 2, 4], vec![1, 3, 5]));
        assert_eq!((turns(7, 50), turns(48, 50)), (vec![1, 4], vec![0, 3]), "never rarer than every third");
    }

    #[test]
    fn small_jobs_spread_and_a_single_one_is_shared() {
        assert_eq!(shares(6, 3, 16), [[0, 3], [1, 4], [2, 5]]);
        assert_eq!(shares(1, 3, 16), [[0], [0], [0]]);
        assert_eq!(shares(2, 3, 16), [[0], [1], [0]]);
        assert_eq!(shares(6, 1, 2), [[0, 1]]);
        assert_eq!(shares(0, 2, 16), [[0; 0]; 2]);
        assert_eq!(shares(3, 1, 0), [[0; 0]]);
    }
}
