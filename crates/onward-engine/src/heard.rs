//! Counts what a target answers, and hands it to the store now and then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use onward_core::clock::UnixMs;
use onward_core::id::JobId;
use onward_core::processor::Told;
use onward_core::store::{Heard, Store};
use tokio::task::JoinSet;

/// How often counts are handed in, in milliseconds: a chart of minutes is then never far behind, and the store
/// is asked for little beside the commits.
const HAND_IN_MS: u64 = 5_000;
/// Counts that wait while the store does not answer: ten minutes of ten statuses. More are given up.
const MOST_WAITING: usize = 100;
const MINUTE_MS: i64 = 60_000;

/// What the target of one job has answered since it was last handed in.
#[derive(Debug, Default)]
pub(crate) struct Ear(Mutex<BTreeMap<(i64, u16), u64>>);

impl Ear {
    /// A call has ended.
    pub(crate) fn note(&self, told: &Told, now: UnixMs) {
        let Some(status) = told.status() else { return };
        self.add(&[Heard { minute: now.0.div_euclid(MINUTE_MS), status, calls: 1 }]);
    }

    /// Hands in what was counted. What the store does not take waits for the next time.
    async fn hand_in(&self, store: &Arc<dyn Store>, job: JobId) {
        let counted = self.take();
        if counted.is_empty() {
            return;
        }
        if let Err(error) = store.hear(job, &counted).await {
            tracing::debug!(job.id = %job, %error, "what the target answered is handed in later");
            self.add(&counted);
        }
    }

    fn add(&self, heard: &[Heard]) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for told in heard {
            if counts.len() < MOST_WAITING || counts.contains_key(&(told.minute, told.status)) {
                *counts.entry((told.minute, told.status)).or_default() += told.calls;
            }
        }
    }

    fn take(&self) -> Vec<Heard> {
        let counts = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        counts.into_iter().map(|((minute, status), calls)| Heard { minute, status, calls }).collect()
    }
}

/// Hands in what one drive hears, beside everything else it does.
pub(crate) struct Listener {
    ear: Arc<Ear>,
    store: Arc<dyn Store>,
    job: JobId,
    next_at: UnixMs,
    /// One at a time; what is counted meanwhile goes with the next.
    handing_in: JoinSet<()>,
}

impl Listener {
    pub(crate) fn new(store: Arc<dyn Store>, job: JobId) -> Self {
        Self { ear: Arc::default(), store, job, next_at: UnixMs::default(), handing_in: JoinSet::new() }
    }

    /// For a call that goes out.
    pub(crate) fn ear(&self) -> Arc<Ear> {
        Arc::clone(&self.ear)
    }

    /// Hands in what was counted when it is time to.
    pub(crate) fn look(&mut self, now: UnixMs) {
        while self.handing_in.try_join_next().is_some() {}
        if now < self.next_at || !self.handing_in.is_empty() {
            return;
        }
        self.next_at = now.plus_ms(HAND_IN_MS);
        let (ear, store, job) = (self.ear(), Arc::clone(&self.store), self.job);
        self.handing_in.spawn(async move { ear.hand_in(&store, job).await });
    }

    /// Hands in the rest. A picture waits for no store that does not answer.
    pub(crate) async fn finish(mut self) {
        let last = async {
            while self.handing_in.join_next().await.is_some() {}
            self.ear.hand_in(&self.store, self.job).await;
        };
        if tokio::time::timeout(Duration::from_millis(HAND_IN_MS), last).await.is_err() {
            tracing::debug!(job.id = %self.job, "what the target answered last is not on its chart");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_minute_and_status() {
        let ear = Ear::default();
        let told = Told::default();
        ear.note(&told, UnixMs(0));
        assert_eq!(ear.take(), [], "no call went out");
        told.answered(429);
        for at in [59_999, 60_000, 60_001] {
            ear.note(&told, UnixMs(at));
        }
        told.asks();
        ear.note(&told, UnixMs(60_002));
        let heard = |minute, status, calls| Heard { minute, status, calls };
        assert_eq!(ear.take(), [heard(0, 429, 1), heard(1, 0, 1), heard(1, 429, 2)]);
        assert_eq!(ear.take(), []);
        ear.add(&(0..500).map(|minute| heard(minute, 200, 1)).collect::<Vec<_>>());
        assert_eq!(ear.take().len(), MOST_WAITING);
    }
}
