//! What one seed makes of a life, and how that life went.

use onward_core::clock::UnixMs;
use onward_core::id::RowIndex;
use onward_core::pace::Rate;
use onward_core::retry::Dice;

use super::{BEGIN, END_MS, LONG_SILENCE_MS};

/// What one seed makes of a life.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(super) seed: u64,
    pub(super) workers: usize,
    pub(super) concurrency: u32,
    pub(super) batch: u32,
    pub(super) crashes: u32,
    pub(super) freezes: u32,
    pub(super) restarts: u32,
    pub(super) rows: u64,
    pub(super) outage: Option<Outage>,
    /// A row whose every call kills the process.
    pub(super) poison: Option<RowIndex>,
    /// Rows in doubt wait for a person.
    pub(super) held: bool,
    /// How fast the job may go; its target then asks for long silences.
    pub(super) rate: Option<Rate>,
}

/// A time in which the upstream answers nothing but errors, and whether there is a breaker for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outage {
    pub(super) from: UnixMs,
    pub(super) until: UnixMs,
    pub(super) breaker: Option<u32>,
}

impl Scenario {
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice(seed);
        Self {
            seed,
            workers: 1 + dice.below(3) as usize,
            concurrency: [1, 3, 8, 32][dice.below(4) as usize],
            batch: if seed % 4 == 3 { 5 } else { 1 },
            crashes: dice.below(7) as u32,
            freezes: dice.below(4) as u32,
            restarts: dice.below(2) as u32,
            rows: 313,
            outage: None,
            poison: None,
            held: false,
            rate: None,
        }
    }

    /// One row kills every process that calls it, and nothing else does.
    pub(crate) fn poison(seed: u64) -> Self {
        // Not one that intake has decided: it would never be called.
        let row = (seed * 37 % 312) as u32;
        let poison = Some(RowIndex(row + u32::from(row.is_multiple_of(super::DECIDED_EVERY))));
        Self { poison, crashes: 0, freezes: 0, restarts: 0, ..Self::of(seed) }
    }

    /// The row that kills.
    pub(crate) fn poison_row(self) -> RowIndex {
        self.poison.expect("a life of poison")
    }

    /// Rows in doubt wait for a person.
    pub(crate) fn held(seed: u64) -> Self {
        Self { held: true, ..Self::of(seed) }
    }

    /// One row every ten minutes, and nothing goes wrong but what the upstream says.
    pub(crate) fn patient(seed: u64) -> Self {
        let rate = "6/h".parse().ok();
        Self { rows: 20, rate, batch: 1, crashes: 0, freezes: 0, restarts: 0, ..Self::of(seed) }
    }

    /// How long it may take before it hangs, in milliseconds.
    pub(super) fn longest_ms(self) -> u64 {
        let turn = self.rate.map_or(0, |rate| rate.interval_us() / 1_000);
        END_MS + self.rows * (turn + if turn > 0 { LONG_SILENCE_MS } else { 0 })
    }

    /// A thousand rows, and for two hours in the middle of them the upstream is down.
    pub(crate) fn outage(seed: u64, breaker: Option<u32>) -> Self {
        let life = Self::of(seed);
        let rows = 1_000;
        let at_once = u64::from(life.concurrency * life.batch) * life.workers as u64;
        let half = 300 + rows * 75 / at_once;
        let from = BEGIN.plus_ms(half);
        let outage = Outage { from, until: from.plus_ms(2 * 3_600_000), breaker };
        // A restart by hand is a person's word that all rows shall be tried, down or not.
        Self { rows, outage: Some(outage), restarts: 0, ..life }
    }
}

/// How a life went.
#[derive(Debug, Default)]
pub(crate) struct Story {
    /// Process lives: starts of a worker.
    pub(crate) lives: u64,
    /// Crashes, and leases taken from workers that still live: each may cost as many calls as are in hand.
    pub(crate) losses: u32,
    /// Calls the upstream saw.
    pub(crate) calls: u32,
    /// Calls that the upstream saw during an outage, after the first ten minutes of it.
    pub(crate) calls_in_outage: u32,
    /// How many times the job was held.
    pub(crate) holds: u32,
    /// Rows that failed because the upstream was down.
    pub(crate) wrongly_failed: u32,
    /// Rows that failed as poison.
    pub(crate) poisoned: Vec<RowIndex>,
    /// Calls for the row that kills.
    pub(crate) poison_calls: u32,
    /// Rows about which a person was asked.
    pub(crate) asked: u32,
    /// When the outage was over, if there was one.
    pub(crate) outage_over: UnixMs,
    /// When the job was complete.
    pub(crate) ended_at: UnixMs,
}
