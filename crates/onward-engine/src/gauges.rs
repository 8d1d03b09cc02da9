//! How fast jobs go, measured over the last seconds. In memory only: a rate is no truth.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use onward_core::clock::UnixMs;
use onward_core::id::{InputId, JobId, SpanNo};

/// A rate is measured over this long, in milliseconds: short enough to follow a change of pace, long
/// enough to be steady at a row a second.
const WINDOW_MS: u64 = 15_000;
/// A rate is unknown before this long, in milliseconds.
const FIRST_MS: u64 = 1_500;
/// The pace is kept in steps of this length, in milliseconds: short enough to see a target stall.
const STEP_MS: u64 = 5_000;
/// Steps of the pace that are kept: two minutes, as wide as a line on a card.
const STEPS: usize = 24;
/// Jobs measured at the same time; beyond it the oldest measurements are dropped.
const MAX_JOBS: usize = 1_000;

/// Samples of finished rows per job.
#[derive(Default)]
pub(crate) struct Gauges {
    samples: Mutex<HashMap<JobId, Samples>>,
}

/// Rows that are done without a call: repeats of an earlier row, and what the intake decided by itself. They are
/// done hundreds at once when their span is taken, so neither a pace nor the time left is told by them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Free {
    /// Whose they are: another file may be attached to the job.
    pub(crate) input: InputId,
    /// Repeats in the whole file.
    pub(crate) repeats: u64,
    /// What the intake decided, by span.
    pub(crate) decided: Arc<[(SpanNo, u32)]>,
    /// Of both, those in spans that nobody has taken yet.
    pub(crate) ahead: u64,
}

impl Free {
    /// In the whole file.
    pub(crate) fn all(&self) -> u64 {
        self.repeats + self.decided.iter().map(|(_, rows)| u64::from(*rows)).sum::<u64>()
    }
}

#[derive(Default)]
struct Samples {
    /// Every sample of the window: rows that were attempted.
    window: VecDeque<(UnixMs, u64)>,
    /// One sample per step.
    trail: VecDeque<(UnixMs, u64)>,
    free: Option<Free>,
}

impl Gauges {
    /// Notes how many rows of a job are finished at `now`, and which of them cost nothing, if that is known.
    pub(crate) fn sample(&self, job: JobId, processed: u64, free: Option<Free>, now: UnixMs) {
        let mut all = self.all();
        if all.len() >= MAX_JOBS && !all.contains_key(&job) {
            all.clear();
        }
        let samples = all.entry(job).or_default();
        let done_free = free.as_ref().map_or(0, |free| free.all().saturating_sub(free.ahead));
        samples.free = free;
        let Samples { window, trail, .. } = samples;
        let attempted = processed.saturating_sub(done_free);
        if window.back().is_some_and(|(at, rows)| *rows > attempted || *at > now) {
            // A retry took rows back, or the clock was set back.
            window.clear();
            trail.clear();
        }
        window.push_back((now, attempted));
        while window.front().is_some_and(|(at, _)| now.ms_since(*at) > WINDOW_MS) {
            window.pop_front();
        }
        if trail.back().is_none_or(|(at, _)| now.ms_since(*at) >= STEP_MS) {
            trail.push_back((now, attempted));
        }
        while trail.len() > STEPS + 1 {
            trail.pop_front();
        }
    }

    /// Attempted rows a second over the window up to now; `None` while unknown.
    pub(crate) fn rate(&self, job: JobId, processed: u64, now: UnixMs) -> Option<f64> {
        let all = self.all();
        let samples = all.get(&job)?;
        let (from, rows) = *samples.window.front()?;
        // Between two samples nobody knows how many of the newest rows cost nothing.
        let all_cost = samples.free.as_ref().is_none_or(|free| free.all() == 0);
        let (to, attempted) = if all_cost { (now, processed) } else { *samples.window.back()? };
        let ms = to.ms_since(from);
        let finished = attempted.checked_sub(rows)?;
        (ms >= FIRST_MS).then(|| finished as f64 * 1_000.0 / ms as f64)
    }

    /// Rows a second in each of the last steps, oldest first.
    pub(crate) fn pace(&self, job: JobId) -> Vec<f64> {
        let all = self.all();
        let Some(Samples { trail, .. }) = all.get(&job) else { return Vec::new() };
        let steps = trail.iter().zip(trail.iter().skip(1));
        steps
            .map(|((from, before), (to, after))| {
                (after - before) as f64 * 1_000.0 / to.ms_since(*from).max(1) as f64
            })
            .collect()
    }

    /// The rows of a job's file that cost nothing, as of its last sample; `None` while that is not known.
    pub(crate) fn free(&self, job: JobId) -> Option<Free> {
        self.all().get(&job).and_then(|samples| samples.free.clone())
    }

    /// Forgets a job that no longer runs.
    pub(crate) fn forget(&self, job: JobId) {
        self.all().remove(&job);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<JobId, Samples>> {
        // Measurements are worth nothing that a panic could spoil.
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const JOB: JobId = JobId(Uuid::nil());

    #[test]
    fn a_rate_counts_the_rows_that_were_attempted() {
        let gauges = Gauges::default();
        // Ten rows a second; the second span brings 400 repeats and 100 ragged rows at once.
        let free = |ahead| {
            let (input, decided) = (InputId(Uuid::nil()), Arc::from([(SpanNo(1), 100)]));
            Some(Free { input, repeats: 800, decided, ahead })
        };
        gauges.sample(JOB, 100, free(900), UnixMs(0));
        assert_eq!(gauges.rate(JOB, 105, UnixMs(500)), None, "too early to know");
        gauges.sample(JOB, 120, free(900), UnixMs(2_000));
        gauges.sample(JOB, 640, free(400), UnixMs(4_000));
        assert_eq!(gauges.rate(JOB, 650, UnixMs(4_500)), Some(10.0));
        assert_eq!(gauges.free(JOB), free(400));
    }

    #[test]
    fn a_rate_where_every_row_costs_a_call_is_up_to_the_moment() {
        let gauges = Gauges::default();
        gauges.sample(JOB, 0, None, UnixMs(0));
        assert_eq!(gauges.rate(JOB, 40, UnixMs(2_000)), Some(20.0));
        gauges.sample(JOB, 30, None, UnixMs(2_500));
        gauges.sample(JOB, 10, None, UnixMs(3_000));
        assert_eq!(gauges.rate(JOB, 12, UnixMs(3_100)), None, "a retry took rows back");
    }
}
