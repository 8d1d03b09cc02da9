//! How fast calls may go out: the recipe's rate, and the target's own word.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::UnixMs;

/// Longest wait a target may ask for; a larger `Retry-After` is clamped to it.
pub const MAX_WAIT_MS: u64 = 3_600_000;

/// A rate such as `50/min`: so many rows in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    calls: u32,
    per_ms: u64,
}

impl Rate {
    /// Microseconds between two calls that keep exactly to the rate.
    #[must_use]
    pub fn interval_us(self) -> u64 {
        (self.per_ms * 1_000).div_ceil(u64::from(self.calls))
    }

    /// The rate in calls a second.
    #[must_use]
    pub fn per_second(self) -> f64 {
        f64::from(self.calls) * 1_000.0 / self.per_ms as f64
    }
}

impl FromStr for Rate {
    type Err = BadRate;
    fn from_str(text: &str) -> Result<Self, BadRate> {
        let (calls, unit) = text.split_once('/').ok_or(BadRate)?;
        let calls: u32 = calls.trim().parse().map_err(|_| BadRate)?;
        let per_ms = match unit.trim() {
            "s" | "sec" | "second" => 1_000,
            "m" | "min" | "minute" => 60_000,
            "h" | "hour" => 3_600_000,
            "d" | "day" => 86_400_000,
            _ => return Err(BadRate),
        };
        if !(1..=1_000_000).contains(&calls) {
            return Err(BadRate);
        }
        Ok(Self { calls, per_ms })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per_ms {
            1_000 => "s",
            60_000 => "min",
            3_600_000 => "hour",
            _ => "day",
        };
        write!(f, "{}/{unit}", self.calls)
    }
}

impl TryFrom<String> for Rate {
    type Error = BadRate;
    fn try_from(text: String) -> Result<Self, BadRate> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

/// What a person said about the rate of one job: it stands in place of the recipe's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimit {
    /// No more calls than this.
    At(Rate),
    /// No limit of ours, whatever the recipe says.
    Lifted,
}

impl RateLimit {
    /// The rate that holds, if one does.
    #[must_use]
    pub fn rate(self) -> Option<Rate> {
        match self {
            Self::At(rate) => Some(rate),
            Self::Lifted => None,
        }
    }

    /// The rate that holds for a job: this word on it if there is one, else the recipe's.
    #[must_use]
    pub fn over(said: Option<Self>, of_recipe: Option<Rate>) -> Option<Rate> {
        said.map_or(of_recipe, Self::rate)
    }
}

/// As fields of what holds it: `rate`, and `rate_lifted` only where there is something to say. A reader from before
/// there was a `rate_lifted` keeps to the recipe's rate, which is slower than asked and never faster.
pub mod rate_limit {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Rate, RateLimit};

    #[derive(Default, Serialize, Deserialize)]
    #[serde(default)]
    struct Fields {
        rate: Option<Rate>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        rate_lifted: bool,
    }

    /// Writes the fields.
    ///
    /// # Errors
    /// As the serializer.
    pub fn serialize<S: Serializer>(said: &Option<RateLimit>, to: S) -> Result<S::Ok, S::Error> {
        let rate = said.and_then(RateLimit::rate);
        Fields { rate, rate_lifted: said.is_some() && rate.is_none() }.serialize(to)
    }

    /// Reads the fields.
    ///
    /// # Errors
    /// As the deserializer; also for a rate that is none.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<RateLimit>, D::Error> {
        let Fields { rate, rate_lifted } = Fields::deserialize(from)?;
        Ok(rate.map(RateLimit::At).or(rate_lifted.then_some(RateLimit::Lifted)))
    }
}

/// The text is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rate is a whole number from 1 to 1,000,000 and a unit, such as 10/s, 50/min or 1000/hour")]
pub struct BadRate;

/// Says when the next call may go out. Calls are spaced evenly, with no burst: an even flow is what
/// rate-limited targets ask for, and no window of any length then holds more than the rate allows.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    interval_us: u64,
    next_us: i64,
    gate: Option<UnixMs>,
}

impl Pace {
    /// A pace that keeps to `rate`, or to nothing.
    #[must_use]
    pub fn new(rate: Option<Rate>) -> Self {
        Self { interval_us: rate.map_or(0, Rate::interval_us), next_us: 0, gate: None }
    }

    /// Changes the rate from the next call on.
    pub fn set_rate(&mut self, rate: Option<Rate>) {
        self.interval_us = rate.map_or(0, Rate::interval_us);
    }

    /// The target asked for a pause of `wait_ms` (clamped to [`MAX_WAIT_MS`]): nothing goes out before.
    pub fn hold(&mut self, now: UnixMs, wait_ms: u64) {
        let until = now.plus_ms(wait_ms.min(MAX_WAIT_MS));
        self.gate = Some(self.gate.map_or(until, |gate| gate.max(until)));
    }

    /// Until when the target asked us to wait, if it did and that is not over.
    #[must_use]
    pub fn held_until(&self, now: UnixMs) -> Option<UnixMs> {
        self.gate.filter(|gate| *gate > now)
    }

    /// When the next call may go out, if not now.
    #[must_use]
    pub fn wait_until(&self, now: UnixMs) -> Option<UnixMs> {
        let spaced = UnixMs(self.next_us.div_euclid(1_000) + i64::from(self.next_us.rem_euclid(1_000) > 0));
        // A wait longer than one interval can only come from a clock that was set back.
        let spaced = (spaced.ms_since(now) <= self.interval_us / 1_000 + 1).then_some(spaced);
        [spaced, self.gate].into_iter().flatten().max().filter(|at| *at > now)
    }

    /// Counts one call that goes out now.
    pub fn sent(&mut self, now: UnixMs) {
        let now_us = now.0.saturating_mul(1_000);
        let late_start = now_us.max(self.next_us.min(now_us.saturating_add(self.interval_us as i64)));
        self.next_us = late_start.saturating_add(self.interval_us as i64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_read_and_write_the_same() {
        for text in ["10/s", "50/min", "1000/hour", "10000/day"] {
            assert_eq!(text.parse::<Rate>().map(|rate| rate.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "inf", "0/s", "-1/s", "1.5/s", "10", "10/week", "99999999/s"] {
            assert_eq!(text.parse::<Rate>(), Err(BadRate), "{text}");
        }
    }

    #[test]
    fn no_window_holds_more_calls_than_the_rate() {
        let mut pace = Pace::new("50/min".parse().ok());
        let mut sent = Vec::new();
        for ms in 0..180_000 {
            let now = UnixMs(1_000 + ms);
            if pace.wait_until(now).is_none() {
                pace.sent(now);
                sent.push(now);
            }
        }
        assert_eq!(sent.len(), 150);
        assert!(sent.windows(51).all(|window| window[50].ms_since(window[0]) >= 60_000));
    }

    #[test]
    fn a_hold_lasts_as_long_as_asked_and_at_most_an_hour() {
        let mut pace = Pace::new(None);
        let now = UnixMs(5_000);
        assert_eq!(pace.wait_until(now), None);
        pace.hold(now, 3_000);
        assert_eq!(pace.wait_until(now), Some(UnixMs(8_000)));
        pace.hold(now, 1_000);
        assert_eq!(pace.held_until(now), Some(UnixMs(8_000)), "a shorter wait does not open the gate");
        pace.hold(now, u64::MAX);
        assert_eq!(pace.held_until(now), Some(now.plus_ms(MAX_WAIT_MS)));
    }
}
