//! The breaker: when a job is held because its target seems to be down, and how it goes on.
//!
//! **Promise.** An outage never makes a row fail. A row whose tries are used up is *suspect*: nothing is
//! recorded of it before another row shows that the target answers (then it failed for its own sake) or so
//! many rows in a row ended alike that the target is to blame (then all of them are pending as before, and
//! the job is held). At most as many rows are suspect as the breaker's limit says; all their calls have
//! ended without an outcome, so calling them again is a retry and no repeat.
//!
//! **How it goes on.** After a wait that doubles with every probe, one single row is called (twice if
//! need be), another one each time. When the target answers it, the job goes on as before; when not, the job
//! is held again.
//!
//! **The last rows** of a job have nobody after them to show that the target answers. One during whose tries
//! another row was answered has failed, and so have a few after a target that answered others; otherwise the
//! job is held as well. When fewer rows are left than the breaker needs, they have failed after
//! [`LAST_PROBES`] probes: a job must come to its end. A job that has fewer rows than the breaker needs has no
//! breaker: its rows fail when their tries are used up, and can be retried.

use crate::clock::UnixMs;
use crate::id::{Epoch, SpanNo};
use crate::row::RowRecord;

/// Failures in a row that open the breaker where the recipe says nothing: more than chance makes of a
/// target that fails every third row, and few enough calls to be no burden on one that is down.
pub const USUAL_FAILURES: u32 = 10;
/// How long after the first hold the target is probed, in milliseconds; doubles up to [`PROBE_MAX_MS`].
pub const PROBE_MS: u64 = 30_000;
/// The longest wait between two probes, in milliseconds.
pub const PROBE_MAX_MS: u64 = 3_600_000;
/// Tries of the row that probes the target: one unlucky answer must not cost an hour.
pub const PROBE_TRIES: u32 = 2;
/// Probes after which the last few rows of a job have failed: seven minutes and a half.
pub const LAST_PROBES: u32 = 4;
/// The longest wait for a quota that comes back, in milliseconds: quotas are by the day, some by the week.
pub const QUOTA_MAX_MS: u64 = 7 * 86_400_000;

/// How long a job is held that was probed `probes` times in a row without success. `asked_ms` is what the
/// target itself said about when its quota comes back.
#[must_use]
pub fn probe_wait_ms(probes: u32, asked_ms: Option<u64>) -> u64 {
    let own = PROBE_MS.saturating_mul(1 << probes.min(16)).min(PROBE_MAX_MS);
    asked_ms.map_or(own, |asked| asked.clamp(PROBE_MS, QUOTA_MAX_MS))
}

/// Rows whose tries are used up and of which it is not known yet whether the target is to blame.
#[derive(Debug, Clone, Default)]
pub(crate) struct Suspects {
    rows: Vec<Suspect>,
    in_a_row: u32,
}

/// One of them, with the record it gets if it failed for its own sake.
#[derive(Debug, Clone)]
pub(crate) struct Suspect {
    pub(crate) span: SpanNo,
    pub(crate) epoch: Epoch,
    /// When it was called first.
    pub(crate) first_at: UnixMs,
    pub(crate) record: RowRecord,
}

impl Suspects {
    /// One more; answers how many it makes in a row.
    pub(crate) fn add(&mut self, suspect: Suspect) -> u32 {
        self.rows.push(suspect);
        self.in_a_row += 1;
        self.in_a_row
    }

    /// The target answered: they failed for their own sake.
    pub(crate) fn clear(&mut self) -> Vec<Suspect> {
        self.in_a_row = 0;
        std::mem::take(&mut self.rows)
    }

    /// Those that were called first before `answered_at`, when the target last answered another row.
    pub(crate) fn acquit(&mut self, answered_at: UnixMs) -> Vec<Suspect> {
        self.rows.extract_if(.., |suspect| suspect.first_at <= answered_at).collect()
    }

    /// Whether there is one of this span.
    pub(crate) fn has(&self, span: SpanNo) -> bool {
        self.rows.iter().any(|suspect| suspect.span == span)
    }

    /// The latest of them.
    pub(crate) fn last(&self) -> Option<&Suspect> {
        self.rows.last()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// A span has another owner; its rows are his.
    pub(crate) fn forget(&mut self, span: SpanNo) {
        self.rows.retain(|suspect| suspect.span != span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_come_after_30_s_then_ever_later_and_at_the_latest_every_hour() {
        let waits: Vec<u64> = (0..10).map(|probes| probe_wait_ms(probes, None) / 1_000).collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]);
        assert_eq!(probe_wait_ms(u32::MAX, None), PROBE_MAX_MS);
    }

    #[test]
    fn a_quota_is_probed_when_it_comes_back() {
        assert_eq!(probe_wait_ms(0, Some(7 * 3_600_000)), 7 * 3_600_000);
        assert_eq!(probe_wait_ms(5, Some(0)), PROBE_MS, "not at once");
        assert_eq!(probe_wait_ms(0, Some(u64::MAX)), QUOTA_MAX_MS);
    }
}
