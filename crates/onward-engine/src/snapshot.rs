//! A job with what is derived from it at one moment: stuck, rate, time left.

use onward_core::clock::UnixMs;
use onward_core::job::Job;
use onward_core::stuck::Stuck;

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
    /// When this was taken.
    pub at: UnixMs,
}
