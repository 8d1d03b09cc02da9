//! A job as it is stored: what every page, answer and decision starts from.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::clock::UnixMs;
use crate::id::{Epoch, InputId, JobId, RowIndex, SpanNo, WorkerId};
use crate::state::{JobState, Offer, PauseReason, Step, allowed_actions};
use crate::tally::Tally;

/// One CSV taken through one recipe.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its name for programs.
    pub id: JobId,
    /// Its name for people.
    pub name: String,
    /// Where it stands.
    pub state: JobState,
    /// Why it is paused, when it is.
    pub pause: Option<Pause>,
    /// Why it failed, when it did.
    pub error: Option<JobError>,
    /// Rows of the input: the user's `total_items`.
    pub total: u64,
    /// Rows per outcome, summed over the spans.
    pub tally: Tally,
    /// Where it would go on.
    pub checkpoint: Checkpoint,
    /// Stretches of running so far: 0 before the first start; +1 at start, resume, restart, retry.
    pub attempt: u32,
    /// Grows when a retry reopens recorded failures; part of the idempotency key.
    pub generation: u32,
    /// The fencing token's present value.
    pub epoch: Epoch,
    /// When it was submitted.
    pub created_at: UnixMs,
    /// When its first row was claimed.
    pub started_at: Option<UnixMs>,
    /// When anything about it last changed.
    pub updated_at: UnixMs,
    /// When it came to a terminal state.
    pub finished_at: Option<UnixMs>,
    /// When the current attempt began.
    pub attempt_at: Option<UnixMs>,
    /// Facts about its input.
    pub input: JobInput,
    /// The recipe as JSON text, secrets unresolved.
    pub recipe: Arc<str>,
    /// Live changes to the recipe's limits.
    pub tuning: Tuning,
    /// Who holds which of its spans now.
    pub leases: Vec<LeaseFact>,
}

impl Job {
    /// The row (from 1) at which it goes on: the first without an outcome; `None` when all have one.
    #[must_use]
    pub fn resume_from_row(&self) -> Option<u64> {
        (self.tally.processed() < self.total).then_some(self.checkpoint.low_water + 1)
    }

    /// What a person is offered.
    #[must_use]
    pub fn allowed_actions(&self) -> &'static [Step] {
        let offer = Offer { failed_rows: self.tally.failed, input_available: self.input.available };
        allowed_actions(self.state, offer)
    }
}

/// Why and until when a job is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The kind of reason.
    pub reason: PauseReason,
    /// A sentence.
    pub message: String,
    /// When it is tried again by itself, if it is.
    pub probe_at: Option<UnixMs>,
}

/// Why a job could not go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// A short fixed word.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// Facts about a job's input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobInput {
    /// The stored snapshot.
    pub id: InputId,
    /// The name it came with.
    pub filename: String,
    /// SHA-256 of the upload, in hex.
    pub sha256: String,
    /// Size of the upload in bytes.
    pub bytes: u64,
    /// Whether the snapshot is still stored.
    pub available: bool,
}

/// What may be changed while the job runs; `None` means as the recipe says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tuning {
    /// Calls in flight.
    pub concurrency: Option<u32>,
    /// Calls per time.
    pub rate: Option<crate::pace::Rate>,
}

/// One span that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseFact {
    /// Which span.
    pub span: SpanNo,
    /// Who holds it.
    pub worker: WorkerId,
    /// Under which epoch.
    pub epoch: Epoch,
    /// Until when, unless renewed.
    pub until: UnixMs,
    /// The row that has been in flight longest, as of the last commit or renewal.
    pub waiting: Option<Waiting>,
}

/// A row in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Which row.
    pub row: RowIndex,
    /// Since when.
    pub since: UnixMs,
}
