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
    /// Rows that got an outcome per second, over the last seconds; `None` while unknown or at rest.
    pub rows_per_second: Option<f64>,
    /// Seconds until the last row at that rate; `None` while unknown or at rest.
    pub eta_seconds: Option<u64>,
    /// Until when it waits for its target's limit; `None` when it does not, or another process knows.
    pub closed_until: Option<UnixMs>,
    /// When this was taken.
    pub at: UnixMs,
}

impl Snapshot {
    pub(crate) fn take(job: Job, gauges: &Gauges, now: UnixMs) -> Self {
        let stuck = stuck_of(&job, now);
        let running = job.state == JobState::Running;
        let rows_per_second = if running { gauges.rate(&job, now) } else { None };
        let left = job.total.saturating_sub(job.tally.processed());
        let eta_seconds =
            rows_per_second.filter(|rate| *rate > 0.0).map(|rate| (left as f64 / rate).ceil() as u64);
        Self { job, stuck, rows_per_second, eta_seconds, closed_until: None, at: now }
    }
}

fn stuck_of(job: &Job, now: UnixMs) -> Option<Stuck> {
    if job.state != JobState::Running {
        return None;
    }
    let limit_ms = stored_recipe(job).map_or(stuck::STUCK_AFTER_MS, |recipe| recipe.limit_ms());
    stuck::stuck(job, limit_ms, now)
}
