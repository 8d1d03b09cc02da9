//! When a row is tried again: exponential backoff with full jitter, as described in
//! "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).

use serde::{Deserialize, Serialize};

/// How often and how fast a row is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Calls for one row in all, the first included.
    pub attempts: u32,
    /// The longest wait before the second call, in milliseconds; doubles with each further call.
    pub base_ms: u64,
    /// No wait is longer, in milliseconds.
    pub max_ms: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 5, base_ms: 500, max_ms: 30_000 }
    }
}

impl RetryPolicy {
    /// How long to wait after call number `tries` (from 1) failed, or `None` when that was the last.
    /// `dice` is a random number that the caller passes in; half the wait is fixed, half is jitter,
    /// so that retries spread out and still never come at once.
    #[must_use]
    pub fn wait_ms(&self, tries: u32, dice: u64) -> Option<u64> {
        if tries >= self.attempts {
            return None;
        }
        let doublings = tries.saturating_sub(1).min(32);
        let full = self.base_ms.saturating_mul(1 << doublings).min(self.max_ms);
        Some(full / 2 + dice % (full / 2 + 1))
    }
}

/// A small random number generator (SplitMix64, Steele, Lea and Flood 2014), for jitter that a seed
/// repeats. Not for secrets.
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `below - 1`; 0 when `below` is 0.
    pub fn below(&mut self, below: u64) -> u64 {
        self.roll().checked_rem(below).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_and_end_with_the_last_attempt() {
        let policy = RetryPolicy { attempts: 5, base_ms: 500, max_ms: 1_500 };
        let waits: Vec<_> = (1..=5).map(|tries| policy.wait_ms(tries, u64::MAX - 1)).collect();
        for (wait, top) in waits.iter().zip([Some(500), Some(1_000), Some(1_500), Some(1_500), None]) {
            assert_eq!(wait.is_some(), top.is_some());
            assert!(wait.zip(top).is_none_or(|(wait, top)| wait >= top / 2 && wait <= top));
        }
    }
}
