//! Numbers, durations and moments as people read them.
//!
//! `assets/time.js` writes the same words while a page is live.

use jiff::Timestamp;
use maud::{Markup, html};
use onward_core::clock::UnixMs;
pub(crate) use onward_core::words::count;

use crate::api::view::rfc3339;

/// `1 failed row`, `4 failed rows`.
#[must_use]
pub(crate) fn rows(number: u64, kind: &str) -> String {
    let plural = if number == 1 { "row" } else { "rows" };
    if kind.is_empty() {
        format!("{} {plural}", count(number))
    } else {
        format!("{} {kind} {plural}", count(number))
    }
}

/// A duration with one unit: `0.4 s`, `29 s`, `6 min`, `3 h`, `2 d`.
#[must_use]
pub(crate) fn duration(ms: u64) -> String {
    match ms {
        0..10_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        10_000..90_000 => format!("{} s", ms / 1_000),
        90_000..5_400_000 => format!("{} min", ms / 60_000),
        5_400_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} d", ms / 86_400_000),
    }
}

/// What a row took, to the millisecond while that says more: `87 ms`.
#[must_use]
pub(crate) fn took(ms: u64) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { duration(ms) }
}

/// Time left, which nobody knows to a tenth of a second: `29 s`.
#[must_use]
pub(crate) fn time_left(seconds: u64) -> String {
    if seconds < 10 { format!("{seconds} s") } else { duration(seconds.saturating_mul(1_000)) }
}

/// A rate: `12.4 rows/s`; slow ones by the minute: `3.0 rows/min`.
#[must_use]
pub(crate) fn rate(rows_per_second: f64) -> String {
    if rows_per_second >= 100.0 {
        format!("{} rows/s", count(whole(rows_per_second)))
    } else if rows_per_second >= 0.1 {
        format!("{rows_per_second:.1} rows/s")
    } else {
        format!("{:.1} rows/min", rows_per_second * 60.0)
    }
}

/// The nearest whole number; 0 for what is negative or no number.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and below 0 is 0"
)]
pub(crate) fn whole(number: f64) -> u64 {
    number.round() as u64
}

/// A size: `47 KB`, decimal units as file managers show them.
#[must_use]
pub(crate) fn bytes(size: u64) -> String {
    match size {
        0..1_000 => format!("{size} bytes"),
        1_000..1_000_000 => format!("{} KB", size / 1_000),
        1_000_000..1_000_000_000 => format!("{}.{} MB", size / 1_000_000, size % 1_000_000 / 100_000),
        _ => format!("{}.{} GB", size / 1_000_000_000, size % 1_000_000_000 / 100_000_000),
    }
}

/// A moment in the one time zone of all pages: `2026-11-23 15:02:12 UTC`.
#[must_use]
pub(crate) fn moment(at: UnixMs) -> String {
    let stamp = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
    stamp.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The time of day of a moment, in UTC as everything on the pages: `15:02:12`.
#[must_use]
pub(crate) fn clock_time(at: UnixMs) -> String {
    let stamp = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
    stamp.strftime("%H:%M:%S").to_string()
}

/// How a moment is told relative to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relative {
    /// `6 min ago`.
    Ago,
    /// `6 min`: it lasts since then.
    For,
    /// `in 24 s`.
    In,
}

/// A moment relative to `now`; scripts keep it ticking, and the exact time is in its title.
#[must_use]
pub(crate) fn relative(at: UnixMs, now: UnixMs, how: Relative) -> Markup {
    let (word, text) = match how {
        Relative::Ago if now.ms_since(at) < 100 => ("ago", "just now".to_owned()),
        Relative::Ago => ("ago", format!("{} ago", duration(now.ms_since(at)))),
        Relative::For => ("for", duration(now.ms_since(at))),
        Relative::In => ("in", format!("in {}", duration(at.ms_since(now)))),
    };
    html! { time datetime=(rfc3339(at)) title=(moment(at)) data-rel=(word) { (text) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_commas_between_thousands() {
        let texts = [0, 999, 1_000, 41_500, 1_000_000].map(count);
        assert_eq!(texts, ["0", "999", "1,000", "41,500", "1,000,000"]);
    }

    #[test]
    fn durations_have_one_unit() {
        let texts = [400, 9_940, 29_000, 89_999, 360_000, 5_400_000, 172_800_000].map(duration);
        assert_eq!(texts, ["0.4 s", "9.9 s", "29 s", "89 s", "6 min", "1 h", "2 d"]);
    }

    #[test]
    fn rates_keep_their_meaning_when_slow_or_fast() {
        let texts = [1240.4, 12.44, 0.1, 0.05].map(rate);
        assert_eq!(texts, ["1,240 rows/s", "12.4 rows/s", "0.1 rows/s", "3.0 rows/min"]);
    }

    #[test]
    fn a_moment_is_told_in_utc_and_read_by_programs() {
        let text = relative(UnixMs(0), UnixMs(360_000), Relative::Ago).into_string();
        assert!(text.contains("datetime=\"1970-01-01T00:00:00.000Z\""), "{text}");
        assert!(text.contains("title=\"1970-01-01 00:00:00 UTC\""), "{text}");
        assert!(text.contains(">6 min ago<"), "{text}");
    }
}
