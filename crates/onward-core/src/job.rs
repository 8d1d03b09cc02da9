//! A job as it is stored: what every page, answer and decision starts from.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::clock::UnixMs;
use crate::id::{Epoch, InputId, JobId, RowIndex, SpanNo, WorkerId};
use crate::pace::RateLimit;
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
    /// Rows in doubt ([`crate::doubt`]): without an outcome, and perhaps called.
    pub in_doubt: u64,
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
        allowed_actions(
            self.state,
            Offer {
                failed_rows: self.tally.failed,
                input_available: self.input.available,
                rows_left: self.resume_from_row().is_some(),
            },
        )
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

/// What is particular about how a job goes on now: limits that were changed while it runs, and what the
/// breaker and "do so many rows and ask" left. `None` means as the recipe says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tuning {
    /// Calls in flight.
    pub concurrency: Option<u32>,
    /// Calls per time, or that there is no limit.
    #[serde(flatten, with = "crate::pace::rate_limit")]
    pub rate: Option<RateLimit>,
    /// Failures in a row that open the breaker; 0 means never.
    pub breaker: Option<u32>,
    /// Probes since the target last answered: more than 0 means that single rows are tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probes: Option<u32>,
    /// The job is held once so many rows have an outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_at: Option<u64>,
    /// (failed, processed) when a person last let it go on: stop rules count from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted_from: Option<(u64, u64)>,
}

impl Tuning {
    /// These with what `changes` says; `None` there leaves a value as it is.
    #[must_use]
    pub fn with(self, changes: Self) -> Self {
        Self {
            concurrency: changes.concurrency.or(self.concurrency),
            rate: changes.rate.or(self.rate),
            breaker: changes.breaker.or(self.breaker),
            probes: changes.probes.or(self.probes).filter(|probes| *probes > 0),
            hold_at: changes.hold_at.or(self.hold_at),
            counted_from: changes.counted_from.or(self.counted_from),
        }
    }

    /// These after a command that was taken when the counters said `tally`.
    #[must_use]
    pub fn after(self, command: &crate::store::Command, tally: Tally) -> Self {
        let done = tally.processed();
        let reason = command.pause.as_ref().map(|pause| pause.reason);
        match (command.step, command.go) {
            // By its own: everything a person asked for still holds.
            (Step::Resume, Go::Probe) => self,
            (Step::Resume | Step::Restart, go) => Self {
                probes: None,
                hold_at: match go {
                    Go::First(rows) => Some(done.saturating_add(rows)),
                    Go::Fully | Go::Probe => None,
                },
                counted_from: Some((tally.failed, done)),
                ..self
            },
            (Step::Pause, _) if command.pause.as_ref().is_some_and(|pause| pause.probe_at.is_some()) => {
                Self { probes: Some(self.probes().saturating_add(1)), ..self }
            }
            // It says nothing about the target, nor about what a person asked for.
            (Step::Pause, _) if reason == Some(PauseReason::DiskFull) => self,
            (Step::Pause, _) => Self { probes: None, ..self },
            (Step::Start | Step::ForceCancel | Step::Retry | Step::Complete | Step::Fail, _) => self,
        }
    }

    /// These when rows were opened again: nothing is left of what was asked for before.
    #[must_use]
    pub fn reopened(self) -> Self {
        Self { probes: None, hold_at: None, counted_from: None, ..self }
    }

    /// Probes since the target last answered.
    #[must_use]
    pub fn probes(self) -> u32 {
        self.probes.unwrap_or_default()
    }

    /// Whether one worker at a time may work on the job: a probe is one row, and "do ten rows" is ten.
    #[must_use]
    pub fn is_alone(self) -> bool {
        self.probes() > 0 || self.hold_at.is_some()
    }

    /// What was changed, in words for the timeline.
    #[must_use]
    pub fn words(self) -> String {
        if self.probes == Some(0) {
            return "the target answers again; the job goes on as before".to_owned();
        }
        let changed = [
            self.concurrency.map(|calls| format!("concurrency {calls}")),
            self.rate.map(|limit| match limit {
                RateLimit::At(rate) => format!("rate {rate}"),
                RateLimit::Lifted => "no limit of the rate".to_owned(),
            }),
            self.breaker.map(|rows| match rows {
                0 => "breaker off".to_owned(),
                rows => format!("breaker after {rows} failures in a row"),
            }),
        ];
        let changed: Vec<String> = changed.into_iter().flatten().collect();
        if changed.is_empty() { "name".to_owned() } else { changed.join(", ") }
    }
}

/// How far a job goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Go {
    /// To its end.
    #[default]
    Fully,
    /// So many rows; then it is held and a person is asked.
    First(u64),
    /// As it went before it was held by itself: one row when the target is probed, else all it was asked for.
    Probe,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_left_set_or_lifted_and_is_stored_so() {
        let set = Tuning { rate: "50/min".parse().ok().map(RateLimit::At), ..Tuning::default() };
        let lifted = Tuning { rate: Some(RateLimit::Lifted), ..Tuning::default() };
        for tuning in [Tuning::default(), set, lifted] {
            let stored = serde_json::to_string(&tuning).unwrap();
            assert_eq!(serde_json::from_str::<Tuning>(&stored).unwrap(), tuning, "{stored}");
        }
        assert_eq!(set.with(Tuning::default()), set, "what is not named stays");
        assert_eq!(set.with(lifted).rate, Some(RateLimit::Lifted));
        assert_eq!(lifted.with(set).rate, set.rate);
        assert_eq!(lifted.words(), "no limit of the rate");
    }

    #[test]
    fn limits_stored_before_a_rate_could_be_lifted_are_read() {
        let read = |stored| serde_json::from_str::<Tuning>(stored).unwrap();
        let before = read(r#"{"concurrency":2,"rate":"50/min","breaker":null}"#);
        assert_eq!((before.concurrency, before.rate), (Some(2), "50/min".parse().ok().map(RateLimit::At)));
        assert_eq!(read(r#"{"concurrency":null,"rate":null,"breaker":null}"#), Tuning::default());
        assert_eq!(read("{}"), Tuning::default());
    }
}
