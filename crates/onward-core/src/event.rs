//! Numbered facts about a job: its timeline, and what the live feed is made of.

use serde::{Deserialize, Serialize};

use crate::clock::UnixMs;
use crate::id::{Epoch, JobId};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// The job was submitted.
    Created,
    /// Its first row was claimed.
    Started,
    /// It was resumed.
    Resumed,
    /// It was restarted.
    Restarted,
    /// It was held.
    Paused,
    /// It was cancelled.
    Cancelled,
    /// Every row has an outcome.
    Completed,
    /// It could not go on.
    Failed,
    /// Failed rows were opened again.
    Retried,
    /// A worker's lease had lapsed and its span was given back.
    Rescued,
    /// Work of an old owner was refused.
    Fenced,
    /// The result of a call made under an old epoch came in and was refused.
    LateResult,
    /// Its name, rate or concurrency was changed.
    Changed,
    /// Its input was attached again.
    Attached,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 14] = [
        Self::Created,
        Self::Started,
        Self::Resumed,
        Self::Restarted,
        Self::Paused,
        Self::Cancelled,
        Self::Completed,
        Self::Failed,
        Self::Retried,
        Self::Rescued,
        Self::Fenced,
        Self::LateResult,
        Self::Changed,
        Self::Attached,
    ];

    /// The word the API and the database use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Started => "started",
            Self::Resumed => "resumed",
            Self::Restarted => "restarted",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Retried => "retried",
            Self::Rescued => "rescued",
            Self::Fenced => "fenced",
            Self::LateResult => "late-result",
            Self::Changed => "changed",
            Self::Attached => "attached",
        }
    }
}

/// One line of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its number: grows over all jobs of a store; the `id:` of the event stream.
    pub seq: u64,
    /// Which job.
    pub job: JobId,
    /// When.
    pub at: UnixMs,
    /// What.
    pub kind: EventKind,
    /// Who: `you`, `api`, `cli`, `worker 3f9a`, `rescue`.
    pub actor: String,
    /// The job's epoch after it.
    pub epoch: Epoch,
    /// The row (from 1) from which the job goes on, where that applies.
    pub from_row: Option<u64>,
    /// A sentence with the rest.
    pub detail: String,
}

/// An event about to be recorded; the store gives the number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Which job.
    pub job: JobId,
    /// When.
    pub at: UnixMs,
    /// What.
    pub kind: EventKind,
    /// Who.
    pub actor: String,
    /// The row (from 1) it is about, where one is.
    pub from_row: Option<u64>,
    /// A sentence with the rest.
    pub detail: String,
}
