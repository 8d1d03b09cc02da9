//! How many calls a target takes at a time: the recipe's concurrency, adapted to what the target shows.
//!
//! Additive increase, multiplicative decrease (Chiu and Jain, 1989): halved when the target throttles or
//! calls time out, and one more for each round of answers while the latency holds. It begins at the recipe's
//! concurrency, never exceeds it, and never falls below one.

use crate::clock::UnixMs;

/// Answers that are slower than the best seen by this factor do not widen: the target is filling up.
const SLOWER: f64 = 2.0;
/// The share of a new latency in the average: the last dozen answers count.
const SHARE: f64 = 0.15;
/// How fast the best latency is forgotten, per answer: a target that has become slower for good is
/// believed after some hundred answers.
const FORGET: f64 = 1.01;

/// The adapted concurrency.
#[derive(Debug, Clone)]
pub struct Width {
    most: u32,
    now: u32,
    /// Answers since the last widening.
    answered: u32,
    narrowed_at: UnixMs,
    usual_ms: Option<f64>,
    best_ms: f64,
}

impl Width {
    /// As wide as allowed.
    #[must_use]
    pub fn new(most: u32) -> Self {
        let narrowed_at = UnixMs(i64::MIN);
        Self { most, now: most, answered: 0, narrowed_at, usual_ms: None, best_ms: f64::MAX }
    }

    /// Calls at a time, now.
    #[must_use]
    pub fn now(&self) -> u32 {
        self.now
    }

    /// Another upper bound. One that was at the old bound goes to the new one at once.
    pub fn set_most(&mut self, most: u32) {
        if self.now == self.most || self.now > most {
            self.now = most;
        }
        self.most = most;
    }

    /// The target throttled, or did not answer in time, a call that began at `began`. A burst of such
    /// answers to calls that were all under way halves once.
    pub fn narrow(&mut self, began: UnixMs, now: UnixMs) {
        if began > self.narrowed_at {
            self.now = (self.now / 2).max(1);
            self.narrowed_at = now;
            self.answered = 0;
        }
    }

    /// The target answered after so long, in milliseconds.
    pub fn answered(&mut self, latency_ms: u64) {
        let latency = latency_ms as f64;
        let usual = self.usual_ms.map_or(latency, |usual| usual + SHARE * (latency - usual));
        self.usual_ms = Some(usual);
        self.best_ms = (self.best_ms * FORGET).min(usual.max(1.0));
        if self.now >= self.most {
            return;
        }
        self.answered += 1;
        if self.answered >= self.now && usual <= SLOWER * self.best_ms {
            self.now += 1;
            self.answered = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_halves_once_for_a_burst_and_grows_by_one_a_round() {
        let mut width = Width::new(16);
        for _ in 0..16 {
            width.narrow(UnixMs(100), UnixMs(200));
        }
        assert_eq!(width.now(), 8, "sixteen refusals of one burst");
        width.narrow(UnixMs(201), UnixMs(300));
        assert_eq!(width.now(), 4);
        for _ in 0..4 {
            width.answered(50);
        }
        assert_eq!(width.now(), 5);
        for _ in 0..1_000 {
            width.answered(50);
        }
        assert_eq!(width.now(), 16, "never above the recipe's");
        for at in 1..20 {
            width.narrow(UnixMs(1_000 * at), UnixMs(1_000 * at));
        }
        assert_eq!(width.now(), 1, "never below one");
    }

    #[test]
    fn it_does_not_grow_while_answers_become_slower() {
        let mut width = Width::new(8);
        width.answered(50);
        width.narrow(UnixMs(1), UnixMs(2));
        for _ in 0..50 {
            width.answered(1_000);
        }
        assert!(width.now() <= 5, "{}", width.now());
    }

    #[test]
    fn another_bound_holds_at_once() {
        let mut width = Width::new(8);
        width.set_most(16);
        assert_eq!(width.now(), 16);
        width.narrow(UnixMs(1), UnixMs(2));
        width.set_most(32);
        assert_eq!(width.now(), 8, "what was learnt stays");
        width.set_most(3);
        assert_eq!(width.now(), 3);
    }
}
