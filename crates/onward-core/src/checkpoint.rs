//! Where a job stands: "all rows up to 228, and these 14 beyond". Never a count.
//!
//! Rows finish in any order, so "the highest finished row" would forget the slow ones and "how many
//! are finished" would point at the wrong row. [`DoneSet`] remembers each row of one span;
//! [`Checkpoint`] is what a person sees of it for the whole job.

use serde::{Deserialize, Serialize};

use crate::clock::UnixMs;
use crate::id::RowIndex;

/// Which rows of one span have an outcome: one bit a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoneSet {
    first: u32,
    len: u32,
    done: u32,
    words: Vec<u64>,
}

impl DoneSet {
    /// Nothing done yet, for `len` rows from `first` on.
    #[must_use]
    pub fn new(first: RowIndex, len: u32) -> Self {
        let words = vec![0; len.div_ceil(64) as usize];
        Self { first: first.0, len, done: 0, words }
    }

    /// Marks a row as done. `false` when it was done already or is not of this span.
    pub fn insert(&mut self, row: RowIndex) -> bool {
        let Some((word, bit)) = self.place(row) else { return false };
        let fresh = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.done += u32::from(fresh);
        fresh
    }

    /// Opens a row again. `false` when it was not done.
    pub fn remove(&mut self, row: RowIndex) -> bool {
        let Some((word, bit)) = self.place(row) else { return false };
        let was = self.words[word] & bit != 0;
        self.words[word] &= !bit;
        self.done -= u32::from(was);
        was
    }

    /// Whether the row has an outcome.
    #[must_use]
    pub fn contains(&self, row: RowIndex) -> bool {
        self.place(row).is_some_and(|(word, bit)| self.words[word] & bit != 0)
    }

    /// How many rows of the span are done.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.done
    }

    /// Whether every row of the span is done.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.done == self.len
    }

    /// First row of the span.
    #[must_use]
    pub fn first(&self) -> RowIndex {
        RowIndex(self.first)
    }

    /// The row after the last of the span.
    #[must_use]
    pub fn end(&self) -> RowIndex {
        RowIndex(self.first + self.len)
    }

    /// The first row that is not done, or [`DoneSet::end`] when all are.
    #[must_use]
    pub fn low_water(&self) -> RowIndex {
        self.next_missing(self.first())
    }

    /// The first row at or after `from` that is not done, or [`DoneSet::end`].
    #[must_use]
    pub fn next_missing(&self, from: RowIndex) -> RowIndex {
        let mut offset = from.0.saturating_sub(self.first);
        while offset < self.len {
            let word = !self.words[(offset / 64) as usize] >> (offset % 64);
            if word != 0 {
                return RowIndex(self.first + (offset + word.trailing_zeros()).min(self.len));
            }
            offset = (offset / 64 + 1) * 64;
        }
        self.end()
    }

    fn place(&self, row: RowIndex) -> Option<(usize, u64)> {
        let offset = row.0.checked_sub(self.first)?;
        (offset < self.len).then(|| ((offset / 64) as usize, 1 << (offset % 64)))
    }
}

/// Where the whole job stands, for people.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Checkpoint {
    /// All rows up to this one (counting from 1) have an outcome; 0 when not even the first has.
    pub low_water: u64,
    /// Rows beyond `low_water` that have an outcome too.
    pub ahead: u64,
    /// When the last outcome became durable.
    pub saved_at: Option<UnixMs>,
    /// Up to when a worker had nothing due: it waited for its rate, for a limit of the target, or for a retry's
    /// time. A past moment is a rest that is over.
    pub rests_until: Option<UnixMs>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_water_stops_at_the_first_gap_whatever_is_done_beyond() {
        let mut done = DoneSet::new(RowIndex(100), 200);
        for row in (100..170).chain(171..300) {
            assert!(done.insert(RowIndex(row)));
        }
        assert_eq!(done.low_water(), RowIndex(170));
        assert_eq!(done.next_missing(RowIndex(171)), RowIndex(300));
        assert!(!done.insert(RowIndex(171)), "a second time is not new");
        assert!(!done.insert(RowIndex(300)) && !done.insert(RowIndex(99)), "not of this span");
        assert!(done.insert(RowIndex(170)) && done.is_full());
        assert_eq!(done.low_water(), done.end());
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_a_plain_list(first in 0u32..1000, len in 1u32..300, rows in proptest::collection::vec(0u32..300, 0..400)) {
            let mut done = DoneSet::new(RowIndex(first), len);
            let mut plain = vec![false; len as usize];
            for row in rows {
                let fresh = (row < len) && !std::mem::replace(plain.get_mut(row as usize).unwrap_or(&mut true), true);
                proptest::prop_assert_eq!(done.insert(RowIndex(first + row)), fresh);
            }
            let missing = plain.iter().position(|done| !done).map_or(len, |at| at as u32);
            proptest::prop_assert_eq!(done.low_water(), RowIndex(first + missing));
            proptest::prop_assert_eq!(done.count() as usize, plain.iter().filter(|done| **done).count());
        }
    }
}
