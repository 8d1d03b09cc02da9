//! Another file under a job that stands still: every row that is done stays done, wherever it now stands.

use crate::clock::UnixMs;
use crate::id::{Epoch, InputId, JobId, RowIndex};

/// Records of rows that are no longer in the file are kept in the history under numbers from here on,
/// beyond the rows of any file, one after the other.
pub const GONE_FROM: u32 = 1 << 30;

/// What takes the place of a job's input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attach {
    /// Which job.
    pub job: JobId,
    /// The epoch it had when the files were compared.
    pub epoch: Epoch,
    /// The new input, sealed.
    pub input: InputId,
    /// Names the work over it; `None` keeps the name: what was corrected is still the work of its file.
    pub work_digest: Option<String>,
    /// Where the old rows now stand, ascending by `from`; a row that none names is gone.
    pub moves: Vec<Move>,
    /// Old rows whose outcome is taken back, ascending: they are done again where they now stand.
    pub open: Vec<RowIndex>,
    /// Whether calls are made under a new generation: a number may mean another row now, and a target
    /// must not take the one for the other (G6).
    pub anew: bool,
    /// A sentence for the timeline.
    pub detail: String,
    /// Who attaches.
    pub actor: String,
    /// When.
    pub now: UnixMs,
}

/// Neighbouring rows that stay neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// The first of them, by its old number.
    pub from: RowIndex,
    /// Its new number.
    pub to: RowIndex,
    /// How many.
    pub rows: u32,
}

impl Move {
    /// What is added to each number.
    #[must_use]
    pub fn delta(&self) -> i64 {
        i64::from(self.to.0) - i64::from(self.from.0)
    }

    /// The new number of a row, if it is one of these.
    #[must_use]
    pub fn apply(&self, row: RowIndex) -> Option<RowIndex> {
        let at = row.0.checked_sub(self.from.0).filter(|at| *at < self.rows)?;
        Some(RowIndex(self.to.0 + at))
    }
}

impl Attach {
    /// The rows of a job with `total` rows that are gone, each numbered anew from `next` on.
    #[must_use]
    pub fn gone(&self, total: u64, next: u32) -> Vec<Move> {
        let total = u32::try_from(total).unwrap_or(u32::MAX);
        let end = Move { from: RowIndex(total), to: RowIndex(total), rows: 0 };
        let (mut from, mut next, mut gone) = (0, next, Vec::new());
        for kept in self.moves.iter().chain([&end]) {
            let rows = kept.from.0.saturating_sub(from);
            if rows > 0 {
                gone.push(Move { from: RowIndex(from), to: RowIndex(next), rows });
                next += rows;
            }
            from = from.max(kept.from.0 + kept.rows);
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_move_names_is_gone() {
        let kept = |from, to, rows| Move { from: RowIndex(from), to: RowIndex(to), rows };
        let mut attach = Attach {
            job: JobId(uuid::Uuid::nil()),
            epoch: Epoch(0),
            input: InputId(uuid::Uuid::nil()),
            work_digest: None,
            moves: vec![kept(2, 0, 3), kept(7, 9, 1)],
            open: Vec::new(),
            anew: true,
            detail: String::new(),
            actor: String::new(),
            now: UnixMs(0),
        };
        assert_eq!(attach.gone(10, 50), [kept(0, 50, 2), kept(5, 52, 2), kept(8, 54, 2)]);
        attach.moves = vec![kept(0, 0, 10)];
        assert_eq!(attach.gone(10, 50), []);
        assert_eq!(kept(7, 9, 2).apply(RowIndex(8)), Some(RowIndex(10)));
        assert_eq!(kept(7, 9, 2).apply(RowIndex(9)), None);
    }
}
