//! Counts per outcome. A tally always equals the ledger records it stands for.

use std::iter::Sum;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::row::Outcome;

/// How many rows ended in each outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Rows that were added.
    pub added: u64,
    /// Rows that failed.
    pub failed: u64,
    /// Rows that were skipped.
    pub skipped: u64,
    /// Rows that the filter left out.
    pub filtered: u64,
}

impl Tally {
    /// Counts one more row.
    pub fn count(&mut self, outcome: Outcome) {
        *self.slot(outcome) += 1;
    }

    /// Takes rows back, when a retry moves them to history.
    pub fn take_back(&mut self, outcome: Outcome, rows: u64) {
        let slot = self.slot(outcome);
        *slot = slot.saturating_sub(rows);
    }

    /// The count for one outcome.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        match outcome {
            Outcome::Added => self.added,
            Outcome::Failed => self.failed,
            Outcome::Skipped => self.skipped,
            Outcome::Filtered => self.filtered,
        }
    }

    /// All rows with an outcome: the user's `processed_items`.
    #[must_use]
    pub fn processed(&self) -> u64 {
        self.added + self.failed + self.skipped + self.filtered
    }

    fn slot(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Added => &mut self.added,
            Outcome::Failed => &mut self.failed,
            Outcome::Skipped => &mut self.skipped,
            Outcome::Filtered => &mut self.filtered,
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        for outcome in Outcome::ALL {
            *self.slot(outcome) += other.of(outcome);
        }
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), |mut total, tally| {
            total += tally;
            total
        })
    }
}
