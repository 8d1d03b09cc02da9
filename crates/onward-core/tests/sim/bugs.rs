//! The planted bugs: each breaks one safety net on purpose, and the checks must notice.

use onward_core::checkpoint::DoneSet;
use onward_core::doubt::{DEATHS, Doubt, Stand};
use onward_core::id::RowIndex;

/// What is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// Nothing.
    None,
    /// The store takes any commit as if it named the current epoch.
    NoFence,
    /// The store counts the rows it was sent, not the rows it inserted.
    TallyFromBatch,
    /// After a crash, "n rows are done" is read as "the first n rows are done".
    CheckpointIsCount,
    /// After a crash, everything up to the highest finished row is taken as done.
    CheckpointIsHighest,
    /// A commit that was not answered is taken as done.
    CommitErrorIgnored,
    /// What is done is read from a cache that runs ahead of the ledger.
    CacheOverLedger,
    /// Rows beyond the durable mark are called.
    CallBeforeClaim,
    /// A worker that was frozen does not look at its lease.
    BlindAfterFreeze,
    /// Nobody is told which rows may have been called before.
    DoubtsForgotten,
    /// Every row that was in flight at three deaths is taken for the one that kills.
    BlamesNeighbours,
    /// Rows that wait for a person are called again.
    HeldCalled,
    /// The store forgets that a worker has nothing due.
    RestForgotten,
}

impl Bug {
    /// What a worker believes is done, given the truth.
    pub(crate) fn believed(self, truth: DoneSet, called: &[RowIndex]) -> DoneSet {
        let (first, end) = (truth.first(), truth.end());
        let mut believed = DoneSet::new(first, end.0 - first.0);
        let rows: Vec<u32> = match self {
            Self::CheckpointIsCount => (first.0..first.0 + truth.count()).collect(),
            Self::CheckpointIsHighest => {
                let highest = (first.0..end.0).rev().find(|row| truth.contains(RowIndex(*row)));
                highest.map_or_else(Vec::new, |highest| (first.0..=highest).collect())
            }
            // The cache noted every row as its call ended, the ledger only what was committed.
            Self::CacheOverLedger => called.iter().map(|row| row.0).collect(),
            Self::None
            | Self::NoFence
            | Self::TallyFromBatch
            | Self::CommitErrorIgnored
            | Self::CallBeforeClaim
            | Self::BlindAfterFreeze
            | Self::DoubtsForgotten
            | Self::BlamesNeighbours
            | Self::HeldCalled
            | Self::RestForgotten => return truth,
        };
        for row in rows {
            believed.insert(RowIndex(row));
        }
        believed
    }

    /// What a worker believes of the rows in doubt.
    pub(crate) fn doubted(self, doubts: Vec<Doubt>) -> Vec<Doubt> {
        let believe = |doubt: Doubt| {
            if self == Self::BlamesNeighbours {
                Doubt { died_alone: doubt.deaths >= DEATHS, ..doubt }
            } else if self == Self::HeldCalled && doubt.stand == Stand::Held {
                Doubt { stand: Stand::Again, ..doubt }
            } else {
                doubt
            }
        };
        if self == Self::DoubtsForgotten { Vec::new() } else { doubts.into_iter().map(believe).collect() }
    }
}
