//! What pictures of a job are made of: counters that are stored, and single records without their words.

use crate::clock::UnixMs;
use crate::id::{JobId, RowIndex, SpanNo};
use crate::input::span_of;
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

impl SpanFact {
    /// Its number.
    #[must_use]
    pub fn no(&self) -> SpanNo {
        span_of(self.first)
    }

    /// How many of its rows ended so; without an outcome, how many ended at all.
    #[must_use]
    pub fn ended(&self, outcome: Option<Outcome>) -> u64 {
        outcome.map_or_else(|| self.tally.processed(), |outcome| self.tally.of(outcome))
    }
}

/// Which spans of a job are worth looking into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanQuery {
    /// The job.
    pub job: JobId,
    /// With rows that ended so; without one, with rows that ended at all.
    pub outcome: Option<Outcome>,
    /// From where, and which way.
    pub walk: Walk,
    /// At most so many.
    pub limit: usize,
}

/// A walk through the spans of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// From this span on, in row order.
    On(SpanNo),
    /// From this span back, the last first.
    Back(SpanNo),
}

impl SpanQuery {
    /// Its answer, out of all spans of the job in row order.
    #[must_use]
    pub fn of(&self, spans: &[SpanFact]) -> Vec<SpanFact> {
        let holds = |span: &&SpanFact| span.ended(self.outcome) > 0;
        let spans = spans.iter().filter(holds);
        match self.walk {
            Walk::On(no) => spans.filter(|span| span.no() >= no).take(self.limit).copied().collect(),
            Walk::Back(no) => spans.rev().filter(|span| span.no() <= no).take(self.limit).copied().collect(),
        }
    }
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
