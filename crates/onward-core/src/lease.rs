//! The timed right to a span. The lease only says when somebody else may take over; that an old
//! holder cannot write is the epoch's business, and no clock takes part in it.

use crate::clock::UnixMs;

/// How long a claim lasts without renewal. A dead worker's span runs elsewhere within 15 s (G19):
/// this, plus the rescue duty's period, plus the time to claim.
pub const LEASE_MS: u64 = 12_000;

/// How often a holder renews: three renewals may be lost before the lease lapses.
pub const RENEW_MS: u64 = 4_000;

/// Until when a lease taken or renewed at `now` lasts.
#[must_use]
pub fn lease_until(now: UnixMs) -> UnixMs {
    now.plus_ms(LEASE_MS)
}

/// Whether a lease has run out. One that ends further away than any lease can was written before
/// the clock was set back; it counts as lapsed, so that a clock change never holds a job up.
#[must_use]
pub fn is_lapsed(until: UnixMs, now: UnixMs) -> bool {
    until <= now || until > now.plus_ms(2 * LEASE_MS)
}

/// Until when a lease lasts after a renewal asked for at `now`. A renewal that arrives late must not
/// shorten what a later one has given: its holder counts on that. After the clock was set back the
/// old end means nothing.
#[must_use]
pub fn renewed(until: UnixMs, now: UnixMs) -> UnixMs {
    let fresh = lease_until(now);
    if until > now.plus_ms(2 * LEASE_MS) { fresh } else { until.max(fresh) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_lasts_twelve_seconds_also_when_the_clock_is_set_back() {
        let now = UnixMs(1_000_000_000);
        let until = lease_until(now);
        assert!(!is_lapsed(until, now.plus_ms(11_999)));
        assert!(is_lapsed(until, now.plus_ms(12_000)));
        let two_hours_back = UnixMs(now.0 - 7_200_000);
        assert!(is_lapsed(until, two_hours_back));
    }
}
