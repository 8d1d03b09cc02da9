//! The states of a job and every legal step between them: the one place buttons, 409 answers, the
//! command line and the stores' writes come from.
//!
//! ```text
//!            start            complete
//!  queued ────────► running ───────────► completed
//!    │            ▲  │  │  ▲                 │ retry (rows that failed)
//!    │      resume│  │  │  └─────────────────┘
//!    │            │  │  └─ fail ──► failed ──── resume, retry ──► running
//!    │            │  └─ pause ─► paused ─────── resume ─────────► running
//!    └─ cancel ─► cancelled ◄── cancel (from running, paused)
//!                    └──── resume, retry ──► running
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a job stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Submitted; no row has been claimed yet.
    Queued,
    /// Rows are being done, or will be as soon as a worker is free.
    Running,
    /// Held by a person or by a safety net; goes on by resume.
    Paused,
    /// Every row has an outcome.
    Completed,
    /// The job could not go on; goes on by resume.
    Failed,
    /// Stopped by a person; goes on by resume.
    Cancelled,
}

impl JobState {
    /// All states, in the order of a job's life.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Paused, Self::Completed, Self::Failed, Self::Cancelled];

    /// The word the API, the database and the pages use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Queued, running or paused: the job holds its (input, recipe) and no second one may run.
    #[must_use]
    pub fn is_active(self) -> bool {
        match self {
            Self::Queued | Self::Running | Self::Paused => true,
            Self::Completed | Self::Failed | Self::Cancelled => false,
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for JobState {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.word() == text).ok_or(UnknownState)
    }
}

/// The word names no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a status is one of queued, running, paused, completed, failed, cancelled")]
pub struct UnknownState;

/// What can be asked of a job's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The first claim of a row.
    Start,
    /// Go on from the exact position.
    Resume,
    /// Take the work away from whoever holds it and go on from the checkpoint.
    Restart,
    /// Stop for good, unless resumed.
    ForceCancel,
    /// Hold.
    Pause,
    /// Do the failed rows once more.
    Retry,
    /// The last row has its outcome.
    Complete,
    /// The job cannot go on.
    Fail,
}

impl Step {
    /// All steps.
    pub const ALL: [Self; 8] = [
        Self::Start,
        Self::Resume,
        Self::Restart,
        Self::ForceCancel,
        Self::Pause,
        Self::Retry,
        Self::Complete,
        Self::Fail,
    ];

    /// The word of the API paths and of `allowed_actions`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Resume => "resume",
            Self::Restart => "restart",
            Self::ForceCancel => "force-cancel",
            Self::Pause => "pause",
            Self::Retry => "retry",
            Self::Complete => "complete",
            Self::Fail => "fail",
        }
    }
}

/// The legal steps: from, step, to. What is not here is illegal.
const LEGAL: &[(JobState, Step, JobState)] = {
    use JobState::{Cancelled, Completed, Failed, Paused, Queued, Running};
    use Step::{Complete, Fail, ForceCancel, Pause, Restart, Resume, Retry, Start};
    &[
        (Queued, Start, Running),
        (Queued, ForceCancel, Cancelled),
        (Queued, Pause, Paused),
        (Queued, Fail, Failed), // its input is gone before the first row
        (Running, Restart, Running),
        (Running, ForceCancel, Cancelled),
        (Running, Pause, Paused),
        (Running, Complete, Completed),
        (Running, Fail, Failed),
        (Paused, Resume, Running),
        (Paused, ForceCancel, Cancelled),
        (Failed, Resume, Running),
        (Failed, Retry, Running), // a stop rule would trip again if the failed rows stayed
        (Cancelled, Resume, Running),
        (Cancelled, Retry, Running),
        (Completed, Retry, Running), // the one way out of completed: a person asked, a new generation
    ]
};

/// The state after `step`, or `None` when the step is illegal in `state`.
#[must_use]
pub fn step(state: JobState, step: Step) -> Option<JobState> {
    LEGAL.iter().find(|(from, by, _)| *from == state && *by == step).map(|(_, _, to)| *to)
}

/// The state of a job after another file was attached, or `None` while it may be at work. With rows left
/// to do, a completed job waits for a worker, and any other is resumed by a person. With none left, every
/// row is done, and that is what completed means.
#[must_use]
pub fn attached(state: JobState, rows_left: bool) -> Option<JobState> {
    match state {
        JobState::Queued | JobState::Running => None,
        JobState::Completed if rows_left => Some(JobState::Queued),
        JobState::Paused | JobState::Failed | JobState::Cancelled if rows_left => Some(state),
        JobState::Paused | JobState::Completed | JobState::Failed | JobState::Cancelled => {
            Some(JobState::Completed)
        }
    }
}

/// What a person is offered for a job, most useful first: the buttons, the `allowed_actions` of the
/// API and of 409 answers. Retry on a stopped job is legal but not offered: resume comes first. It needs
/// the input for the rows that are left; where a job was stopped after its last row, it completes it.
#[must_use]
pub fn allowed_actions(state: JobState, facts: Offer) -> &'static [Step] {
    let goes_on = facts.input_available || !facts.rows_left;
    match state {
        JobState::Queued => &[Step::ForceCancel, Step::Pause],
        JobState::Running => &[Step::Restart, Step::ForceCancel, Step::Pause],
        JobState::Paused if goes_on => &[Step::Resume, Step::ForceCancel],
        JobState::Paused => &[Step::ForceCancel],
        JobState::Failed | JobState::Cancelled if goes_on => &[Step::Resume],
        JobState::Failed | JobState::Cancelled => &[],
        JobState::Completed if facts.failed_rows > 0 && facts.input_available => &[Step::Retry],
        JobState::Completed => &[],
    }
}

/// The facts besides the state that decide what is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Rows that ended as failed.
    pub failed_rows: u64,
    /// Whether the stored input is still there.
    pub input_available: bool,
    /// Whether a row has no outcome: a job may be stopped between its last row and its completion.
    pub rows_left: bool,
}

/// Why a job is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PauseReason {
    /// A person asked.
    User,
    /// Too many failures in a row: the target seems to be down.
    Breaker,
    /// The target's quota is used up.
    Quota,
    /// No room left for the ledger.
    DiskFull,
    /// All that is left are rows in doubt that wait for a person.
    InDoubt,
}

impl PauseReason {
    /// All reasons.
    pub const ALL: [Self; 5] = [Self::User, Self::Breaker, Self::Quota, Self::DiskFull, Self::InDoubt];

    /// The word the API and the database use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Breaker => "breaker",
            Self::Quota => "quota",
            Self::DiskFull => "disk-full",
            Self::InDoubt => "in-doubt",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_states_leave_only_when_a_person_asks() {
        for (from, by, _) in LEGAL {
            match from {
                JobState::Completed => assert_eq!(*by, Step::Retry),
                JobState::Failed | JobState::Cancelled => {
                    assert!(matches!(by, Step::Resume | Step::Retry));
                }
                JobState::Queued | JobState::Running | JobState::Paused => {}
            }
        }
    }

    #[test]
    fn every_offered_action_is_legal() {
        for state in JobState::ALL {
            for failed_rows in [0, 3] {
                for (input_available, rows_left) in
                    [(true, true), (true, false), (false, true), (false, false)]
                {
                    let offer = Offer { failed_rows, input_available, rows_left };
                    for action in allowed_actions(state, offer) {
                        assert!(step(state, *action).is_some(), "{state} offers {}", action.word());
                    }
                }
            }
        }
    }

    #[test]
    fn an_attached_file_that_leaves_nothing_to_do_completes_the_job() {
        for state in JobState::ALL {
            let stands_still = !matches!(state, JobState::Queued | JobState::Running);
            assert_eq!(attached(state, false), stands_still.then_some(JobState::Completed), "{state}");
        }
        for state in [JobState::Paused, JobState::Failed, JobState::Cancelled] {
            assert_eq!(attached(state, true), Some(state));
        }
        assert_eq!(attached(JobState::Completed, true), Some(JobState::Queued));
    }

    #[test]
    fn a_job_that_was_stopped_after_its_last_row_is_completed_by_a_resume() {
        for state in [JobState::Paused, JobState::Failed, JobState::Cancelled] {
            for (input_available, rows_left, offered) in
                [(true, true, true), (false, true, false), (true, false, true), (false, false, true)]
            {
                let offer = Offer { failed_rows: 0, input_available, rows_left };
                assert_eq!(allowed_actions(state, offer).contains(&Step::Resume), offered, "{state}");
            }
        }
    }

    #[test]
    fn what_has_not_ended_and_is_not_held_can_be_held() {
        let offer = Offer { failed_rows: 0, input_available: true, rows_left: true };
        for state in JobState::ALL {
            let offered = allowed_actions(state, offer).contains(&Step::Pause);
            assert_eq!(offered, step(state, Step::Pause).is_some(), "{state}");
        }
    }

    #[test]
    fn no_two_rows_of_the_table_say_different_things() {
        for (at, (from, by, _)) in LEGAL.iter().enumerate() {
            assert!(!LEGAL[..at].iter().any(|(other, step, _)| other == from && step == by));
        }
    }

    #[test]
    fn the_table_is_the_one_in_docs_states() {
        let docs = include_str!("../../../docs/states.md");
        for (from, by, to) in LEGAL {
            let line = format!("| {} | {} | {} |", from.word(), by.word(), to.word());
            assert!(docs.contains(&line), "docs/states.md lacks: {line}");
        }
        let rows = docs.lines().filter(|line| line.starts_with("| ") && line.matches('|').count() == 4);
        assert_eq!(rows.count(), LEGAL.len() + 1, "docs/states.md has steps the table does not");
    }
}
