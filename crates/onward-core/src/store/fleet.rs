//! What workers say of themselves, and what they share: a registry, and the turns of a job's rate.

use crate::clock::UnixMs;
use crate::id::{JobId, WorkerId};
use crate::lease::LEASE_MS;

/// How often a worker gives a sign of life, in milliseconds: it learns within this time that it is to
/// be drained.
pub const BEAT_MS: u64 = 1_000;
/// A sign of life is written when the last one that was is this old, in milliseconds: as often as a
/// lease is renewed, so that a large fleet at rest costs its database next to nothing.
pub const BEAT_WRITTEN_MS: u64 = 4_000;
/// A worker that was not heard of for so long is taken for dead, in milliseconds: as long as a lease.
pub const LOST_MS: u64 = LEASE_MS;
/// A worker that was not heard of for so long is forgotten, in milliseconds: ten minutes, so that a
/// person still sees it after having looked into an alarm.
pub const FORGOTTEN_MS: u64 = 600_000;

/// A sign of life. The first one registers the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// Which start of which process.
    pub worker: WorkerId,
    /// The name of its machine, for people; never an identity.
    pub host: String,
    /// Its process id there, for people.
    pub pid: u32,
    /// When it started.
    pub started_at: UnixMs,
    /// When it lives.
    pub now: UnixMs,
}

/// What a worker learns at a sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// What it is asked to do.
    pub wish: Wish,
    /// How many living workers sort before it by their ids.
    pub rank: u32,
    /// How many living workers there are, itself among them.
    pub of: u32,
}

/// What a worker is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// To work.
    Work,
    /// To finish its rows in hand, hand back its spans, and take no more.
    Drain,
}

/// A worker as the registry knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// Which start of which process.
    pub id: WorkerId,
    /// The name of its machine.
    pub host: String,
    /// Its process id there.
    pub pid: u32,
    /// When it started.
    pub started_at: UnixMs,
    /// The last sign of life that was written.
    pub beat_at: UnixMs,
    /// What it is asked to do.
    pub wish: Wish,
}

impl Worker {
    /// Whether it is taken for dead.
    #[must_use]
    pub fn is_lost(&self, now: UnixMs) -> bool {
        now.ms_since(self.beat_at) >= LOST_MS
    }
}

/// A wish for turns under the rate of a job, which all its workers share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnsAsked {
    /// Of which job.
    pub job: JobId,
    /// How many calls are ready to go out; 0 only asks where the rate stands.
    pub calls: u32,
    /// The time between two calls that keep exactly to the rate, in microseconds.
    pub interval_us: u64,
    /// No turn before this long from now, in milliseconds.
    pub not_before_ms: u64,
    /// When.
    pub now: UnixMs,
}

/// Turns that nobody else has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turns {
    /// How many calls may go out, one per interval.
    pub calls: u32,
    /// When the first of them may, in microseconds from now; with no calls, when to ask again, or, if
    /// none were asked for, where the rate stands: a moment in the past when nobody waits.
    pub wait_us: i64,
}

/// How a hot copy beside a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hot {
    /// It serves.
    Up,
    /// It does not, and why; everything goes to the database alone.
    Down(String),
}
