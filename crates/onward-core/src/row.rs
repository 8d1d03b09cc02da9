//! What became of a row: the four outcomes and the record the ledger keeps.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::UnixMs;
use crate::id::RowIndex;

/// Text that is nearly always a constant of the program.
pub type Text = Cow<'static, str>;

/// How a row ended. Every row ends in exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The work was done.
    Added,
    /// The work could not be done; the code and message say why.
    Failed,
    /// Nothing to do: a duplicate, an empty key, or already there.
    Skipped,
    /// The filter said no.
    Filtered,
}

impl Outcome {
    /// All four, in the order in which they are always shown.
    pub const ALL: [Self; 4] = [Self::Added, Self::Failed, Self::Skipped, Self::Filtered];

    /// The word people, the API and the database use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Filtered => "filtered",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Outcome {
    type Err = UnknownOutcome;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == text).ok_or(UnknownOutcome)
    }
}

/// The word is none of `added`, `failed`, `skipped`, `filtered`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an outcome is one of added, failed, skipped, filtered")]
pub struct UnknownOutcome;

/// What the work (or intake) decided about a row: the outcome and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// How the row ended.
    pub outcome: Outcome,
    /// A short fixed word for programs, such as `not-found`; groups rows with one cause.
    pub code: Text,
    /// A sentence for people.
    pub message: Text,
    /// What the work gave back, as JSON text, if anything.
    pub result: Option<Box<str>>,
    /// The creator to add in the same transaction, if the work adds creators.
    pub creator: Option<NewCreator>,
}

impl Verdict {
    /// A verdict with neither a result nor a creator.
    pub fn new(outcome: Outcome, code: impl Into<Text>, message: impl Into<Text>) -> Self {
        Self { outcome, code: code.into(), message: message.into(), result: None, creator: None }
    }

    /// The plain success: outcome `added`, code `added`.
    #[must_use]
    pub fn added() -> Self {
        Self::new(Outcome::Added, ADDED, ADDED)
    }
}

/// Code and message of a row that was simply added; stores may leave both out.
pub const ADDED: &str = "added";
/// Code of a row whose creator was in the table already; the store decides it while committing.
pub const ALREADY_THERE: &str = "already-there";
/// Message that goes with [`ALREADY_THERE`].
pub const ALREADY_THERE_MESSAGE: &str = "already in the table";

/// A creator to be added together with the row's outcome, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCreator {
    /// The list it goes to: `[add] table` of the recipe.
    pub table: Arc<str>,
    /// Its identity in that list.
    pub key: Arc<str>,
    /// Its columns, as the text of a JSON object.
    pub data: Box<str>,
}

/// One durable record of the ledger, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRecord {
    /// Which row.
    pub index: RowIndex,
    /// The row's identity after normalising; empty when the recipe has no key.
    pub key: Arc<str>,
    /// What was decided.
    pub verdict: Verdict,
    /// Calls made for this row in this attempt; 0 when none was needed.
    pub tries: u32,
    /// From the first call to the verdict, in milliseconds.
    pub duration_ms: u64,
    /// When the verdict was there.
    pub finished_at: UnixMs,
}
