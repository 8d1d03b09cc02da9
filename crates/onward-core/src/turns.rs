//! One rate for all workers of a job: turns are taken from a shared place, in small slices.
//!
//! **Promise.** However many workers a job has, no window of time holds more calls than the rate
//! allows. The shared place is a single number, the moment of the next free turn (the *mark*); a worker
//! that takes turns moves it on by as many intervals (the generic cell rate algorithm, with no burst).
//! The stores keep the mark and call [`take`]; a run holds its slice in a [`Turnstile`].
//!
//! **When things fail.** Turns of a worker that died, froze or had nothing to call are lost: the flow is
//! then slower for a moment, never faster. A mark further away than any can be was made under a slower
//! rate, or before a clock was set back, and counts as one interval from now.

use crate::clock::UnixMs;
use crate::pace::Rate;
use crate::store::{Turns, TurnsAsked};

/// Turns are given for so long ahead, in microseconds. A worker that dies takes at most this much of
/// the rate with it.
pub const AHEAD_US: i64 = 2_000_000;
/// A slice is for about this long, in microseconds: two questions a second for a fast rate.
const SLICE_US: u64 = 500_000;
/// A turn not used this long after its moment is lost, in microseconds: what is used late would come on
/// top of what others use in time.
const LATE_US: i64 = 250_000;
/// After a question that was not answered, the next one comes this much later, in milliseconds.
const ASK_AGAIN_MS: u64 = 500;

/// Takes turns from a shared place whose mark is `mark`. Answers what was taken, and the new mark when
/// it moved. All moments in microseconds; `now_us` is the clock of the place.
#[must_use]
pub fn take(mark_us: Option<i64>, asked: &TurnsAsked, now_us: i64) -> (Turns, Option<i64>) {
    let interval = i64::try_from(asked.interval_us).unwrap_or(i64::MAX);
    let Some(wanted) = i64::from(asked.calls).checked_sub(1).filter(|more| *more >= 0) else {
        let wait_us = mark_us.map_or(i64::MIN, |mark| mark.saturating_sub(now_us));
        return (Turns { calls: 0, wait_us }, None);
    };
    let mark = mark_us.unwrap_or(now_us);
    // What lies further away was marked under another rate, or by another clock.
    let furthest = now_us.saturating_add(AHEAD_US).saturating_add(interval);
    let mark = if mark > furthest { now_us.saturating_add(interval) } else { mark };
    let earliest = i64::try_from(asked.not_before_ms).unwrap_or(i64::MAX).saturating_mul(1_000);
    let first = mark.max(now_us.saturating_add(earliest));
    let room = now_us.saturating_add(AHEAD_US).saturating_sub(first);
    if room < 0 {
        return (Turns { calls: 0, wait_us: room.saturating_neg() }, None);
    }
    let calls = (room / interval.max(1)).min(wanted) + 1;
    let turns = Turns { calls: u32::try_from(calls).unwrap_or(1), wait_us: first - now_us };
    (turns, Some(first.saturating_add(calls.saturating_mul(interval))))
}

/// A run's slice of the turns of its job.
#[derive(Debug, Clone, Default)]
pub struct Turnstile {
    interval_us: u64,
    next_us: i64,
    left: u32,
    asking: bool,
    ask_at: UnixMs,
}

/// Whether a call may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// It may.
    Go,
    /// Not before a moment passes or an answer comes.
    Wait,
    /// Ask for this many turns.
    Ask(u32),
}

impl Turnstile {
    /// A turnstile for a rate; without one it is always open.
    #[must_use]
    pub fn new(rate: Option<Rate>) -> Self {
        Self { interval_us: rate.map_or(0, Rate::interval_us), ..Self::default() }
    }

    /// Changes the rate; turns under another one are given up.
    pub fn set_rate(&mut self, rate: Option<Rate>) {
        let interval_us = rate.map_or(0, Rate::interval_us);
        if interval_us != self.interval_us {
            *self = Self { asking: self.asking, ..Self::new(rate) };
        }
    }

    /// The time between two turns, in microseconds.
    #[must_use]
    pub fn interval_us(&self) -> u64 {
        self.interval_us
    }

    /// Whether a call may go out at `now`, when up to `room` are ready.
    #[must_use]
    pub fn pass(&self, now: UnixMs, room: u32) -> Pass {
        let now_us = now.0.saturating_mul(1_000);
        if self.interval_us == 0 {
            return Pass::Go;
        }
        if self.left > 0 && now_us <= self.next_us.saturating_add(LATE_US) {
            return if self.next_us <= now_us { Pass::Go } else { Pass::Wait };
        }
        if self.asking || self.ask_at > now {
            return Pass::Wait;
        }
        let slice = u32::try_from(SLICE_US / self.interval_us).unwrap_or(u32::MAX);
        Pass::Ask(slice.clamp(1, room.max(1)))
    }

    /// Counts one call that goes out.
    pub fn passed(&mut self) {
        self.left = self.left.saturating_sub(1);
        self.next_us = self.next_us.saturating_add(i64::try_from(self.interval_us).unwrap_or(i64::MAX));
    }

    /// Turns were asked for.
    pub fn asked(&mut self) {
        self.asking = true;
    }

    /// The answer, if one came.
    pub fn answered(&mut self, turns: Option<Turns>, now: UnixMs) {
        self.asking = false;
        self.left = turns.map_or(0, |turns| turns.calls);
        match turns {
            Some(Turns { calls: 0, wait_us }) => {
                self.ask_at = now.plus_ms(u64::try_from(wait_us / 1_000).unwrap_or(0) + 1);
            }
            Some(turns) => self.next_us = now.0.saturating_mul(1_000).saturating_add(turns.wait_us),
            None => self.ask_at = now.plus_ms(ASK_AGAIN_MS),
        }
    }

    /// When it opens by itself, if time is all it waits for.
    #[must_use]
    pub fn opens_at(&self, now: UnixMs) -> Option<UnixMs> {
        let turn = UnixMs(self.next_us.div_euclid(1_000) + i64::from(self.next_us.rem_euclid(1_000) > 0));
        let at = if self.left > 0 { turn } else { self.ask_at };
        (self.interval_us > 0 && !self.asking && at > now).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::JobId;

    const RATE: &str = "50/min";

    fn asked(calls: u32, interval_us: u64) -> TurnsAsked {
        let job = JobId(Uuid::nil());
        TurnsAsked { job, calls, interval_us, not_before_ms: 0, now: UnixMs(0) }
    }

    /// Three workers with eight calls ready at any time, one shared mark.
    #[test]
    fn no_window_holds_more_calls_of_three_workers_than_the_rate() {
        let rate: Rate = RATE.parse().unwrap();
        let mut mark = None;
        let mut workers = vec![Turnstile::new(Some(rate)); 3];
        let mut sent = Vec::new();
        for ms in 0..180_000 {
            let now = UnixMs(1_000 + ms);
            for worker in &mut workers {
                match worker.pass(now, 8) {
                    Pass::Go => {
                        worker.passed();
                        sent.push(now);
                    }
                    Pass::Wait => {}
                    Pass::Ask(calls) => {
                        let (turns, moved) = take(mark, &asked(calls, rate.interval_us()), now.0 * 1_000);
                        mark = moved.or(mark);
                        worker.answered(Some(turns), now);
                    }
                }
            }
        }
        assert!((145..=150).contains(&sent.len()), "{}", sent.len());
        assert!(sent.windows(51).all(|window| window[50].ms_since(window[0]) >= 59_990));
    }

    #[test]
    fn turns_are_given_two_seconds_ahead_and_no_further() {
        let (first, mark) = take(None, &asked(100, 100_000), 0);
        assert_eq!((first, mark), (Turns { calls: 21, wait_us: 0 }, Some(2_100_000)));
        assert_eq!(take(mark, &asked(1, 100_000), 0), (Turns { calls: 0, wait_us: 100_000 }, None));
        let (later, _) = take(mark, &asked(1, 100_000), 100_000);
        assert_eq!(later, Turns { calls: 1, wait_us: 2_000_000 });
    }

    #[test]
    fn a_mark_of_a_slower_rate_holds_nobody_up() {
        let hour = 3_600_000_000;
        let (_, mark) = take(None, &asked(1, hour), 0);
        let (turns, _) = take(mark, &asked(5, 10_000), 1_000);
        assert_eq!(turns, Turns { calls: 5, wait_us: 10_000 });
    }

    #[test]
    fn asking_for_none_tells_where_the_rate_stands() {
        assert_eq!(take(None, &asked(0, 1), 5), (Turns { calls: 0, wait_us: i64::MIN }, None));
        assert_eq!(take(Some(3), &asked(0, 1), 5), (Turns { calls: 0, wait_us: -2 }, None));
    }

    #[test]
    fn a_turn_that_was_slept_through_is_lost() {
        let mut turnstile = Turnstile::new(RATE.parse().ok());
        let now = UnixMs(10_000);
        turnstile.answered(Some(Turns { calls: 3, wait_us: 0 }), now);
        assert_eq!(turnstile.pass(now, 8), Pass::Go);
        assert_eq!(turnstile.pass(now.plus_ms(5_000), 8), Pass::Ask(1));
    }
}
