//! When a delivery is sent again, and when it is given up.

use crate::clock::UnixMs;

/// How long a call may take, in milliseconds: the least that Standard Webhooks asks receivers to be given.
pub const CALL_MS: u64 = 15_000;
/// How long a sender has a delivery, in milliseconds: a call, and time to write down what came of it.
pub const HOLD_MS: u64 = 2 * CALL_MS;
/// How long a delivery is tried, in milliseconds: whoever is on call has seen it by then.
pub const DAY_MS: u64 = 24 * HOUR_MS;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
/// The waits between calls, as Standard Webhooks recommends them; the last one is repeated.
const WAITS_MS: [u64; 6] = [5_000, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 5 * HOUR_MS, 10 * HOUR_MS];
/// A wait is longer by up to this part of it, so that what failed together does not come back together.
const JITTER_PART: u64 = 10;

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The receiver's status, if it answered.
    pub status: Option<u16>,
    /// A sentence.
    pub message: String,
    /// How long the receiver asked to be left alone, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

/// What is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing: the receiver said yes.
    Delivered,
    /// Nothing: the receiver said that nobody is there any more.
    Gone,
    /// Another call.
    Again {
        /// So long from now, in milliseconds.
        wait_ms: u64,
    },
    /// Nothing: a day is over.
    GivenUp,
}

/// What is next after a call that ended at `now`, when `failures` calls had failed before it since
/// `begun_at`. The last call comes when the day is over. `dice` is a random number.
#[must_use]
pub fn next(sent: &Sent, failures: u32, begun_at: UnixMs, now: UnixMs, dice: u64) -> Next {
    match sent.status {
        Some(200..=299) => return Next::Delivered,
        Some(410) => return Next::Gone,
        Some(_) | None => {}
    }
    let left_ms = DAY_MS.saturating_sub(now.ms_since(begun_at));
    if left_ms == 0 {
        return Next::GivenUp;
    }
    let step = usize::try_from(failures).unwrap_or(usize::MAX).min(WAITS_MS.len() - 1);
    let usual_ms = WAITS_MS[step] + dice % (WAITS_MS[step] / JITTER_PART + 1);
    // A receiver may ask for more patience, never for less; and the day ends when it ends.
    Next::Again { wait_ms: usual_ms.max(sent.retry_after_ms.unwrap_or(0)).min(left_ms) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGUN: UnixMs = UnixMs(1_800_000_000_000);

    fn sent(status: Option<u16>, retry_after_ms: Option<u64>) -> Sent {
        Sent { status, message: String::new(), retry_after_ms }
    }

    /// The moments of all calls, in seconds from the first, to a receiver that always answers like this; each
    /// call takes `call_ms`.
    fn life(answer: &Sent, call_ms: u64, dice: u64) -> (Vec<u64>, Next) {
        let (mut now, mut calls) = (BEGUN, Vec::new());
        for failures in 0..1_000 {
            calls.push(now.ms_since(BEGUN) / 1_000);
            now = now.plus_ms(call_ms);
            match next(answer, failures, BEGUN, now, dice) {
                Next::Again { wait_ms } => now = now.plus_ms(wait_ms),
                end @ (Next::Delivered | Next::Gone | Next::GivenUp) => return (calls, end),
            }
        }
        panic!("it never ends: {calls:?}");
    }

    #[test]
    fn a_receiver_that_is_down_is_called_for_a_day_at_growing_distances() {
        let (calls, end) = life(&sent(Some(500), None), 0, 0);
        let (minute, hour) = (60, 3_600);
        let expected = [0, 5, 5 + 5 * minute, 5 + 35 * minute, 5 + 35 * minute + 2 * hour];
        assert_eq!(calls[..5], expected);
        assert_eq!(calls[5..], [5 + 35 * minute + 7 * hour, 5 + 35 * minute + 17 * hour, 24 * hour]);
        assert_eq!(end, Next::GivenUp);
    }

    #[test]
    fn whatever_the_dice_and_the_receiver_say_a_day_is_a_day_and_the_calls_are_few() {
        for retry_after_ms in [None, Some(0), Some(1_000), Some(3 * HOUR_MS), Some(u64::MAX)] {
            for (call_ms, dice) in [(0, u64::MAX), (CALL_MS, 7), (CALL_MS, u64::MAX - 1)] {
                for status in [None, Some(301), Some(429), Some(503)] {
                    let (calls, end) = life(&sent(status, retry_after_ms), call_ms, dice);
                    let last = calls.last().copied().expect("one call at least");
                    assert_eq!(end, Next::GivenUp);
                    assert!((2..=8).contains(&calls.len()) && last <= DAY_MS / 1_000, "{calls:?}");
                    assert!(last + CALL_MS / 1_000 >= DAY_MS / 1_000, "the day was not used: {calls:?}");
                }
            }
        }
    }

    #[test]
    fn a_receiver_that_asks_for_patience_gets_it_and_one_that_asks_for_haste_does_not() {
        let patient = next(&sent(Some(429), Some(600_000)), 0, BEGUN, BEGUN, 0);
        assert_eq!(patient, Next::Again { wait_ms: 600_000 });
        assert_eq!(next(&sent(Some(503), Some(0)), 1, BEGUN, BEGUN, 0), Next::Again { wait_ms: 300_000 });
    }

    #[test]
    fn yes_and_gone_end_it_at_once() {
        for status in [200, 204, 299] {
            assert_eq!(next(&sent(Some(status), None), 3, BEGUN, BEGUN, 0), Next::Delivered);
        }
        assert_eq!(next(&sent(Some(410), None), 0, BEGUN, BEGUN, 0), Next::Gone);
    }
}
