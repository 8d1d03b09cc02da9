//! The upstream's own list of calls: the outside witness.

use std::collections::BTreeMap;

use onward_core::id::RowIndex;

/// What the upstream knows of one row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    /// Calls in all.
    pub(crate) calls: u32,
    /// Calls that repeat one which was under way or had succeeded: what a crash may cost.
    pub(crate) repeats: u32,
    last: Last,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Last {
    /// Never called, or put off: a call is no repeat.
    #[default]
    Open,
    /// Under way, or answered with a verdict.
    Taken,
}

/// All rows.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    rows: BTreeMap<RowIndex, Seen>,
}

impl Witness {
    /// A call begins.
    pub(crate) fn called(&mut self, row: RowIndex) {
        let seen = self.rows.entry(row).or_default();
        seen.calls += 1;
        if seen.last == Last::Taken {
            seen.repeats += 1;
        }
        seen.last = Last::Taken;
    }

    /// Whether a call for the row is under way or has ended with a verdict.
    pub(crate) fn is_taken(&self, row: RowIndex) -> bool {
        self.rows.get(&row).is_some_and(|seen| seen.last == Last::Taken)
    }

    /// Calls for one row.
    pub(crate) fn calls_for(&self, row: RowIndex) -> u32 {
        self.rows.get(&row).map_or(0, |seen| seen.calls)
    }

    /// A call ended with "later": the next one is a retry, not a repeat.
    pub(crate) fn put_off(&mut self, row: RowIndex) {
        self.rows.entry(row).or_default().last = Last::Open;
    }

    /// Calls in all.
    pub(crate) fn calls(&self) -> u32 {
        self.rows.values().map(|seen| seen.calls).sum()
    }

    /// Repeats in all.
    pub(crate) fn repeats(&self) -> u32 {
        self.rows.values().map(|seen| seen.repeats).sum()
    }
}
