//! Random choices that one number repeats.

use std::time::{SystemTime, UNIX_EPOCH};

/// A small generator (SplitMix64, Steele, Lea and Flood 2014). The test prints the seed it began with.
#[derive(Debug, Clone)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed in the environment variable `name`, or a new one.
    #[must_use]
    pub fn from_env(name: &str) -> Self {
        let given = std::env::var(name).ok().and_then(|text| text.parse().ok());
        Self(given.unwrap_or_else(fresh))
    }

    /// The seed of part `no` of a test, so that parts that run side by side do not disturb each other.
    #[must_use]
    pub fn part(&self, no: u64) -> Self {
        let mut mixed = Self(self.0 ^ no.wrapping_mul(0xD1B5_4A32_D192_ED03));
        mixed.roll();
        mixed
    }

    /// A number from 0 to `below - 1`; 0 when `below` is 0.
    pub fn below(&mut self, below: u64) -> u64 {
        self.roll().checked_rem(below).unwrap_or(0)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// Small enough to type again.
#[expect(clippy::disallowed_methods, reason = "each run of a random test begins elsewhere")]
fn fresh() -> u64 {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.subsec_nanos());
    u64::from(nanos) % 1_000_000
}
