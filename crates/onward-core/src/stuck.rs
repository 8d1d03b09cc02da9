//! Whether a running job is stuck, and by what evidence. Derived at every look, never stored.
//!
//! Three kinds, told apart (G20): nobody holds a valid lease (`worker-lost`); a worker is alive but
//! one row has been in flight too long (`row-hanging`); a worker is alive, no single row is to blame,
//! and yet nothing finishes (`no-progress`).
//!
//! Slow is not stuck. A job that rests until its next turn, or until its target takes calls again, is not
//! called stuck for the time of that rest; and where rows take long, longer is waited ([`patience_ms`]).

use serde::{Deserialize, Serialize};

use crate::clock::UnixMs;
use crate::job::Job;
use crate::lease;
use crate::state::JobState;

/// A job is never called stuck before this long without a saved row, unless the recipe says sooner.
pub const STUCK_AFTER_MS: u64 = 60_000;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StuckReason {
    /// The lease of whoever worked on it has lapsed, or nobody has taken it up.
    WorkerLost,
    /// A worker is alive and nothing finishes.
    NoProgress,
    /// A worker is alive and one row has been in flight too long.
    RowHanging,
}

impl StuckReason {
    /// The word of the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::WorkerLost => "worker-lost",
            Self::NoProgress => "no-progress",
            Self::RowHanging => "row-hanging",
        }
    }
}

/// A stuck job's evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// What is wrong.
    pub reason: StuckReason,
    /// Since when.
    pub since: UnixMs,
    /// A sentence with the evidence.
    pub detail: String,
}

/// Rows whose times say how long a row of this job takes: the last so many.
pub const ROWS_LOOKED_AT: u32 = 100;
/// So many times the time of a slow row is waited.
const SLOW_ROWS: u64 = 5;

/// How long a job may go without a saved row: max(floor, row timeout + 30 s), or exactly what the
/// recipe's `stuck_after` says.
#[must_use]
pub fn limit_ms(stuck_after_ms: Option<u64>, row_timeout_ms: u64) -> u64 {
    stuck_after_ms.unwrap_or_else(|| STUCK_AFTER_MS.max(row_timeout_ms.saturating_add(30_000)))
}

/// How long to wait with rows that took so long, in milliseconds: five times the 99th percentile (nearest rank),
/// 0 without rows. A row's time has all of its tries and the waits between them.
#[must_use]
pub fn patience_ms(mut took_ms: Vec<u64>) -> u64 {
    took_ms.sort_unstable();
    let rank = (took_ms.len() * 99).div_ceil(100);
    let slow = rank.checked_sub(1).and_then(|at| took_ms.get(at));
    slow.map_or(0, |slow| slow.saturating_mul(SLOW_ROWS))
}

/// Since when nothing was saved: the last saved row, or the beginning of the attempt. One standstill has one
/// such moment, whatever it is called while it lasts.
#[must_use]
pub fn still_since(job: &Job) -> UnixMs {
    job.checkpoint.saved_at.max(job.attempt_at).unwrap_or(job.created_at)
}

/// The evidence, if the job is stuck at `now`.
#[must_use]
pub fn stuck(job: &Job, limit_ms: u64, now: UnixMs) -> Option<Stuck> {
    if job.state != JobState::Running {
        return None;
    }
    let saved = still_since(job);
    let moved = job.checkpoint.rests_until.map_or(saved, |rested| rested.max(saved));
    let still_ms = now.ms_since(moved);
    let last_until = job.leases.iter().map(|fact| fact.until).max();
    // Whoever has a lease renews it while it rests; when nobody has one, nobody is missed before the rest is over.
    let unheld_ms = if last_until.is_some() { now.ms_since(saved) } else { still_ms };
    let alive = last_until.is_some_and(|until| !lease::is_lapsed(until, now));
    if !alive && unheld_ms >= lease::LEASE_MS {
        let detail = match job.leases.iter().max_by_key(|fact| fact.until) {
            Some(fact) => format!(
                "the lease of worker {} lapsed {} s ago; another worker takes over by itself",
                fact.worker,
                now.ms_since(fact.until) / 1_000
            ),
            None => format!("no worker has taken it up for {} s", still_ms / 1_000),
        };
        return Some(Stuck { reason: StuckReason::WorkerLost, since: last_until.unwrap_or(moved), detail });
    }
    if still_ms < limit_ms {
        return None;
    }
    let longest = job.leases.iter().filter_map(|fact| fact.waiting).min_by_key(|waiting| waiting.since);
    match longest.filter(|waiting| now.ms_since(waiting.since) >= limit_ms) {
        Some(waiting) => Some(Stuck {
            reason: StuckReason::RowHanging,
            since: waiting.since,
            detail: format!(
                "row {} has been in flight for {} s (limit {} s)",
                waiting.row.row(),
                now.ms_since(waiting.since) / 1_000,
                limit_ms / 1_000
            ),
        }),
        None => Some(Stuck {
            reason: StuckReason::NoProgress,
            since: moved,
            detail: format!("no row was saved for {} s (limit {} s)", still_ms / 1_000, limit_ms / 1_000),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_rows_make_patient_and_one_slow_row_of_a_hundred_does_not() {
        assert_eq!(patience_ms(Vec::new()), 0);
        assert_eq!(patience_ms(vec![40_000]), 200_000);
        let mut took = vec![100; 99];
        took.push(40_000);
        assert_eq!(patience_ms(took.clone()), 500);
        took.push(40_000);
        assert_eq!(patience_ms(took), 200_000);
    }
}
