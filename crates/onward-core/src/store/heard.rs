//! What the target of a job answered to its calls, as counts by minute and status.
//!
//! A picture, not an account: what a process had not handed in when it died is missing, and only the last
//! day is kept, so that a job of weeks takes no more room than one of a day.

/// Minutes that are kept: a day.
pub const HEARD_MINUTES: i64 = 1_440;
/// Stands where a status would: no answer came.
pub const NO_ANSWER: u16 = 0;

/// How many calls were answered with a status in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Heard {
    /// Minutes since 1970.
    pub minute: i64,
    /// The status, or [`NO_ANSWER`].
    pub status: u16,
    /// So many calls.
    pub calls: u64,
}
