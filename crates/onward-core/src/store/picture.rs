//! What pictures of a job are made of: counters that are stored, and single records without their words.

use crate::clock::UnixMs;
use crate::id::RowIndex;
use crate::row::Outcome;
use crate::tally::Tally;

/// A span as it stands: which rows, and how many of them ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanFact {
    /// Its first row.
    pub first: RowIndex,
    /// How many rows it has.
    pub rows: u32,
    /// Its counters.
    pub tally: Tally,
    /// When an outcome of it last became durable.
    pub saved_at: Option<UnixMs>,
}

/// A record of the ledger without its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Which row.
    pub index: RowIndex,
    /// How it ended.
    pub outcome: Outcome,
    /// Calls made.
    pub tries: u32,
    /// From the first call to the verdict, in milliseconds.
    pub duration_ms: u64,
    /// When the verdict was there.
    pub finished_at: UnixMs,
}
