//! How fast jobs go, measured over the last seconds. In memory only: a rate is no truth.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use onward_core::clock::UnixMs;
use onward_core::id::JobId;

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

/// Rows that repeat an earlier row of the file. They are done without a call, hundreds at once when their
/// span is taken, so neither a pace nor the time left is told by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Repeats {
    /// In the whole file.
    pub(crate) all: u64,
    /// In spans that nobody has taken yet.
    pub(crate) ahead: u64,
}

#[derive(Default)]
struct Samples {
    /// Every sample of the window: rows that were attempted.
    window: VecDeque<(UnixMs, u64)>,
    /// One sample per step.
    trail: VecDeque<(UnixMs, u64)>,
    repeats: Repeats,
}

impl Gauges {
    /// Notes how many rows of a job are finished at `now`, and how many of them cost nothing.
    pub(crate) fn sample(&self, job: JobId, processed: u64, repeats: Repeats, now: UnixMs) {
        let mut all = self.all();
        if all.len() >= MAX_JOBS && !all.contains_key(&job) {
            all.clear();
        }
        let samples = all.entry(job).or_default();
        samples.repeats = repeats;
        let Samples { window, trail, .. } = samples;
        let attempted = processed.saturating_sub(repeats.all.saturating_sub(repeats.ahead));
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
        // Between two samples nobody knows how many of the newest rows were repeats.
        let (to, attempted) =
            if samples.repeats.all == 0 { (now, processed) } else { *samples.window.back()? };
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

    /// The repeats of a job's file as of its last sample; `None` when it has none yet.
    pub(crate) fn repeats(&self, job: JobId) -> Option<Repeats> {
        self.all().get(&job).map(|samples| samples.repeats)
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
        // Ten rows a second; the second span brings 500 repeats at once.
        gauges.sample(JOB, 100, Repeats { all: 900, ahead: 900 }, UnixMs(0));
        assert_eq!(gauges.rate(JOB, 105, UnixMs(500)), None, "too early to know");
        gauges.sample(JOB, 120, Repeats { all: 900, ahead: 900 }, UnixMs(2_000));
        gauges.sample(JOB, 640, Repeats { all: 900, ahead: 400 }, UnixMs(4_000));
        assert_eq!(gauges.rate(JOB, 650, UnixMs(4_500)), Some(10.0));
        assert_eq!(gauges.repeats(JOB), Some(Repeats { all: 900, ahead: 400 }));
    }

    #[test]
    fn a_rate_without_repeats_is_up_to_the_moment() {
        let gauges = Gauges::default();
        gauges.sample(JOB, 0, Repeats::default(), UnixMs(0));
        assert_eq!(gauges.rate(JOB, 40, UnixMs(2_000)), Some(20.0));
        gauges.sample(JOB, 30, Repeats::default(), UnixMs(2_500));
        gauges.sample(JOB, 10, Repeats::default(), UnixMs(3_000));
        assert_eq!(gauges.rate(JOB, 12, UnixMs(3_100)), None, "a retry took rows back");
    }
}
