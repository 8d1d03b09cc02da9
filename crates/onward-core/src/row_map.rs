//! The row map: a job in at most so many cells, each a range of rows and what became of them.
//!
//! A cell shows its worst outcome, so that one failed row of a million is seen. Cells are made of the
//! spans' own counters; a job whose spans are few is drawn finer, from its single records.

use crate::id::RowIndex;
use crate::row::Outcome;
use crate::store::{Mark, SpanFact};
use crate::tally::Tally;

/// A job with more rows than this is drawn from its spans alone: up to here reading every record by
/// its key costs a page a few milliseconds.
pub const FINE_ROWS: u64 = 5_000;

/// A range of rows and what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Its first row.
    pub first: RowIndex,
    /// How many rows it has.
    pub rows: u32,
    /// How they ended, as far as they did.
    pub tally: Tally,
}

impl Cell {
    /// The outcome it shows: failed before filtered before skipped before added; none while no row
    /// of it is done.
    #[must_use]
    pub fn worst(&self) -> Option<Outcome> {
        [Outcome::Failed, Outcome::Filtered, Outcome::Skipped, Outcome::Added]
            .into_iter()
            .find(|outcome| self.tally.of(*outcome) > 0)
    }

    /// Whether every row of it is done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.tally.processed() == u64::from(self.rows)
    }
}

/// At most `most` cells over the spans of a job: neighbours are put together where there are more.
#[must_use]
pub fn of_spans(spans: &[SpanFact], most: usize) -> Vec<Cell> {
    let together = spans.len().div_ceil(most.max(1)).max(1);
    spans
        .chunks(together)
        .filter_map(|group| {
            let first = group.first()?.first;
            let rows = group.iter().map(|span| span.rows).sum();
            Some(Cell { first, rows, tally: group.iter().map(|span| span.tally).sum() })
        })
        .collect()
}

/// At most `most` cells over a job of `total` rows, from all of its records.
#[must_use]
pub fn of_marks(total: u64, marks: &[Mark], most: usize) -> Vec<Cell> {
    let total = u32::try_from(total).unwrap_or(u32::MAX);
    let most = u32::try_from(most).unwrap_or(u32::MAX).max(1);
    let each = total.div_ceil(most).max(1);
    let mut cells: Vec<Cell> = (0..total)
        .step_by(each as usize)
        .map(|first| Cell { first: RowIndex(first), rows: each.min(total - first), tally: Tally::default() })
        .collect();
    for mark in marks {
        if let Some(cell) = cells.get_mut((mark.index.0 / each) as usize) {
            cell.tally.count(mark.outcome);
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMs;
    use crate::input::spans;

    fn mark(row: u32, outcome: Outcome) -> Mark {
        Mark { index: RowIndex(row), outcome, tries: 1, duration_ms: 5, finished_at: UnixMs(0) }
    }

    #[test]
    fn one_failed_row_of_a_million_is_seen() {
        let mut facts: Vec<SpanFact> = spans(1_000_000)
            .map(|(_, first, rows)| {
                let tally = Tally { added: u64::from(rows), ..Tally::default() };
                SpanFact { first, rows, tally, saved_at: None }
            })
            .collect();
        facts[700].tally = Tally { added: 999, failed: 1, ..Tally::default() };
        let cells = of_spans(&facts, 400);
        assert!(cells.len() <= 400, "{}", cells.len());
        assert_eq!(cells.iter().map(|cell| u64::from(cell.rows)).sum::<u64>(), 1_000_000);
        let worst: Vec<_> = cells.iter().filter(|cell| cell.worst() == Some(Outcome::Failed)).collect();
        assert_eq!(worst.len(), 1);
        let row = facts[700].first.0;
        assert!((worst[0].first.0..worst[0].first.0 + worst[0].rows).contains(&row));
    }

    #[test]
    fn a_small_job_has_a_cell_for_every_row() {
        let cells = of_marks(313, &[mark(0, Outcome::Added), mark(228, Outcome::Failed)], 400);
        assert_eq!(cells.len(), 313);
        assert_eq!(cells[228].worst(), Some(Outcome::Failed));
        assert_eq!((cells[1].worst(), cells[1].is_done()), (None, false));
    }

    #[test]
    fn cells_cover_every_row_once_and_never_exceed_their_number() {
        for total in [0, 1, 399, 400, 401, 799, 800, 801, 4_999] {
            let cells = of_marks(total, &[], 400);
            assert!(cells.len() <= 400, "{total}");
            let mut next = 0;
            for cell in &cells {
                assert_eq!(cell.first.0, next);
                next += cell.rows;
            }
            assert_eq!(u64::from(next), total);
        }
    }
}
