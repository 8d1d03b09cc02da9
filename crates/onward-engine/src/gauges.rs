//! How fast jobs go, measured over the last seconds. In memory only: a rate is no truth.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use onward_core::clock::UnixMs;
use onward_core::id::JobId;
use onward_core::job::Job;

/// A rate is measured over this long, in milliseconds: short enough to follow a change of pace, long
/// enough to be steady at a row a second.
const WINDOW_MS: u64 = 15_000;
/// A rate is unknown before this long, in milliseconds.
const FIRST_MS: u64 = 1_500;
/// Jobs measured at the same time; beyond it the oldest measurements are dropped.
const MAX_JOBS: usize = 1_000;

/// Samples of finished rows per job.
#[derive(Default)]
pub(crate) struct Gauges {
    samples: Mutex<HashMap<JobId, VecDeque<(UnixMs, u64)>>>,
}

impl Gauges {
    /// Notes how many rows of a job are finished at `now`.
    pub(crate) fn sample(&self, job: &Job, now: UnixMs) {
        let mut all = self.samples.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if all.len() >= MAX_JOBS && !all.contains_key(&job.id) {
            all.clear();
        }
        let samples = all.entry(job.id).or_default();
        let processed = job.tally.processed();
        if samples.back().is_some_and(|(at, rows)| *rows > processed || *at > now) {
            samples.clear(); // a retry took rows back, or the clock was set back
        }
        samples.push_back((now, processed));
        while samples.front().is_some_and(|(at, _)| now.ms_since(*at) > WINDOW_MS) {
            samples.pop_front();
        }
    }

    /// Rows a second over the window up to now; `None` while unknown.
    pub(crate) fn rate(&self, job: &Job, now: UnixMs) -> Option<f64> {
        let all = self.samples.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (from, rows) = *all.get(&job.id)?.front()?;
        let ms = now.ms_since(from);
        let finished = job.tally.processed().checked_sub(rows)?;
        (ms >= FIRST_MS).then(|| finished as f64 * 1_000.0 / ms as f64)
    }

    /// Forgets a job that no longer runs.
    pub(crate) fn forget(&self, job: JobId) {
        self.samples.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&job);
    }
}
