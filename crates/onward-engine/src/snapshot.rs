//! A job with what is derived from it at one moment: stuck, rate, time left.

use onward_core::clock::UnixMs;
use onward_core::job::Job;
use onward_core::state::JobState;
use onward_core::stuck::{self, Stuck};

use crate::gauges::Gauges;
use crate::input::stored_recipe;

/// A job as it looks at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The stored facts.
    pub job: Job,
    /// Evidence that it is stuck, if it is.
    pub stuck: Option<Stuck>,
    /// Rows attempted per second, over the last seconds; `None` while unknown or at rest.
    pub rows_per_second: Option<f64>,
    /// Seconds until the last row at that rate; `None` while unknown or at rest.
    pub eta_seconds: Option<u64>,
    /// Until when it waits for its target's limit; `None` when it does not, or another process knows.
    pub closed_until: Option<UnixMs>,
    /// The least and the most it may be, when the pace of the last minute varies much.
    pub eta_range_seconds: Option<(u64, u64)>,
    /// Rows a second in each of the last steps of five seconds, oldest first.
    pub pace: Vec<f64>,
    /// When this was taken.
    pub at: UnixMs,
}

/// Steps of the pace that a range of the time left is made of: a minute.
const RANGE_STEPS: usize = 12;
/// Fewer steps say nothing about how much the pace varies.
const LEAST_STEPS: usize = 4;
/// A range is told when the fast steps are so many times as fast as the slow ones.
const VARIES: f64 = 1.5;

impl Snapshot {
    pub(crate) fn take(job: Job, gauges: &Gauges, now: UnixMs) -> Self {
        let stuck = stuck_of(&job, now);
        let running = job.state == JobState::Running;
        let processed = job.tally.processed();
        let rate = if running { gauges.rate(job.id, processed, now) } else { None };
        let rows_per_second = rate.filter(|rate| *rate > 0.0);
        let pace = if running { gauges.pace(job.id) } else { Vec::new() };
        // What is ahead and needs no call costs no time.
        let free = gauges.free(job.id).map_or(0, |free| free.ahead);
        let left = job.total.saturating_sub(processed).saturating_sub(free);
        let eta_seconds = rows_per_second.map(|rate| (left as f64 / rate).ceil() as u64);
        let eta_range_seconds = eta_seconds.and_then(|_| range(left, &pace));
        Self {
            job,
            stuck,
            rows_per_second,
            eta_seconds,
            eta_range_seconds,
            pace,
            closed_until: None,
            at: now,
        }
    }
}

/// The time left at a fast and at a slow step of the last minute, when they differ much.
fn range(left: u64, pace: &[f64]) -> Option<(u64, u64)> {
    let mut last: Vec<f64> = pace.iter().rev().take(RANGE_STEPS).copied().collect();
    if last.len() < LEAST_STEPS {
        return None;
    }
    last.sort_by(f64::total_cmp);
    let (slow, fast) = (last[last.len() / 5], last[last.len() - 1 - last.len() / 5]);
    let varies = slow > 0.0 && fast / slow >= VARIES;
    varies.then(|| ((left as f64 / fast).ceil() as u64, (left as f64 / slow).ceil() as u64))
}

/// Evidence that a job is stuck, if it is.
pub(crate) fn stuck_of(job: &Job, now: UnixMs) -> Option<Stuck> {
    if job.state != JobState::Running {
        return None;
    }
    let limit_ms = stored_recipe(job).map_or(stuck::STUCK_AFTER_MS, |recipe| recipe.limit_ms());
    stuck::stuck(job, limit_ms, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_pace_has_no_range_and_a_changing_one_has() {
        assert_eq!(range(100, &[10.0, 10.0, 11.0, 10.0, 9.5]), None);
        assert_eq!(range(100, &[5.0, 20.0]), None, "two steps say nothing");
        assert_eq!(range(100, &[5.0, 5.0, 20.0, 20.0, 20.0]), Some((5, 20)));
        assert_eq!(range(100, &[0.0, 0.0, 20.0, 20.0, 20.0]), None, "a standstill has no end to tell");
    }
}
