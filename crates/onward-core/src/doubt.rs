//! Rows in doubt: their call may have happened, and nobody lived to write down how it ended.
//!
//! **Where the truth is.** With its claim and its commits a holder makes durable up to which row it may
//! call (G3). When a span is taken from its holder (its lease lapsed, its process was started anew, somebody
//! paused, restarted or cancelled the job), the rows before that mark without an outcome are in doubt. The
//! store writes them down in the transaction that takes the span, so as long as nothing goes wrong this
//! costs nothing. Whoever claims the span next is told of them.
//!
//! **What becomes of them** is the recipe's to say: they are called again under the same key
//! ([`Policy::Retry`]), wait for a person ([`Policy::Hold`]), or the target is asked first
//! ([`Policy::Ask`]). For the last two the mark goes no further than calls do, so a row that was certainly
//! not called troubles nobody.
//!
//! **Poison (G16).** A row that was in doubt at [`DEATHS`] deaths of a process may be what kills it. It is
//! tried while nothing else runs in its process, and that it is tried alone is durable before the call.
//! When the process dies once more, that row has failed as `poison`; the rows that were in flight beside it
//! at the deaths before are tried alone as well, survive it, and are not blamed.

use serde::{Deserialize, Serialize};

use crate::clock::UnixMs;
use crate::id::RowIndex;
use crate::job::{Job, Pause};
use crate::row::{Outcome, Verdict};
use crate::state::{JobState, PauseReason};

/// Deaths of a process with a row in flight after which the row is tried alone: two may be chance.
pub const DEATHS: u32 = 3;

/// Code of a row that killed the process while it was tried alone.
pub const POISON: &str = "poison";
/// Code of a row that a person said was done.
pub const SETTLED: &str = "settled";

/// What a recipe wants for rows in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Call them again under the same idempotency key.
    #[default]
    Retry,
    /// Wait for a person.
    Hold,
    /// Ask the target first.
    Ask,
}

/// Where a row in doubt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// It is called again.
    Again,
    /// It waits for a person.
    Held,
    /// A person said that it is done.
    Done,
}

impl Stand {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Again, Self::Held, Self::Done];

    /// The word the API and the database use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Again => "again",
            Self::Held => "held",
            Self::Done => "done",
        }
    }
}

/// A row in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// Which row.
    pub row: RowIndex,
    /// Since when: the last time its span was taken from a holder.
    pub since: UnixMs,
    /// How many processes have died with it in flight.
    pub deaths: u32,
    /// Whether one of them had nothing else in flight.
    pub died_alone: bool,
    /// What is to become of it.
    pub stand: Stand,
}

/// How a row in doubt is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Like any other row.
    Usual,
    /// While nothing else is in flight.
    Alone,
    /// Not at all: it waits for a person.
    Aside,
}

impl Doubt {
    /// What has become of the row without a call.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        if self.stand == Stand::Done {
            let message = "its call was in doubt; a person said that it is done";
            return Some(Verdict::new(Outcome::Added, SETTLED, message));
        }
        self.died_alone.then(|| {
            let message = format!(
                "the process died {} times with this row in flight, at last with nothing else",
                self.deaths
            );
            Verdict::new(Outcome::Failed, POISON, message)
        })
    }

    /// How it is called, unless it has its [`Doubt::verdict`].
    #[must_use]
    pub fn way(&self) -> Way {
        match self.stand {
            Stand::Held | Stand::Done => Way::Aside,
            Stand::Again if self.deaths >= DEATHS => Way::Alone,
            Stand::Again => Way::Usual,
        }
    }
}

/// How a span was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Its holder is gone: its process counts as dead.
    Death,
    /// A person or the breaker took it from a holder that lives.
    Taken,
}

impl Loss {
    /// Deaths to be added to those of a row that was in flight.
    #[must_use]
    pub fn deaths(self) -> u32 {
        u32::from(self == Self::Death)
    }
}

/// What a commit says about a row that is tried alone. Rows are tried in row order; a commit that arrives
/// once more late changes nothing, as a row is tried once under an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trial {
    /// Nothing new.
    #[default]
    AsBefore,
    /// From now on this row is in flight alone.
    Begins(RowIndex),
    /// This row is tried alone no more.
    Over(RowIndex),
}

/// Why a job is held of which nothing is left but rows that wait for a person; `None` while there is more
/// to do. `doubts` are all its rows in doubt. Whoever claims a span meanwhile moves the epoch.
#[must_use]
pub fn waits_for_a_person(job: &Job, doubts: &[Doubt]) -> Option<Pause> {
    let left = job.total.saturating_sub(job.tally.processed());
    let held = doubts.iter().filter(|doubt| doubt.stand == Stand::Held).count() as u64;
    if job.state != JobState::Running || left == 0 || held < left || !job.leases.is_empty() {
        return None;
    }
    let rows = if held == 1 { "1 row is".to_owned() } else { format!("{held} rows are") };
    let message = format!("{rows} in doubt: called perhaps, before a worker was lost; say done or again");
    Some(Pause { reason: PauseReason::InDoubt, message, probe_at: None })
}

/// Where rows stand that are in doubt when a span of a job with this recipe (as it is stored) is lost;
/// `None` for work that only computes, which may be repeated freely.
#[must_use]
pub fn stand_after_loss(recipe: &str) -> Option<Stand> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Terms {
        work: Work,
        fetch: Option<serde::de::IgnoredAny>,
        in_doubt: InDoubt,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Work {
        kind: String,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct InDoubt {
        policy: Policy,
    }
    // What cannot be read says nothing else than usual: a job with a broken recipe claims nothing.
    let terms: Terms = serde_json::from_str(recipe).unwrap_or_default();
    match terms.in_doubt.policy {
        Policy::Hold => Some(Stand::Held),
        Policy::Retry | Policy::Ask if terms.work.kind == "creators" && terms.fetch.is_none() => None,
        Policy::Retry | Policy::Ask => Some(Stand::Again),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_only_computes_leaves_nothing_in_doubt() {
        assert_eq!(stand_after_loss(r#"{"work": {"kind": "creators"}}"#), None);
        let looked_up = r#"{"work": {"kind": "creators"}, "fetch": {"url": "http://x/"}}"#;
        assert_eq!(stand_after_loss(looked_up), Some(Stand::Again));
        assert_eq!(stand_after_loss(r#"{"work": {"kind": "http"}}"#), Some(Stand::Again));
        let held = r#"{"work": {"kind": "http"}, "in_doubt": {"policy": "hold"}}"#;
        assert_eq!(stand_after_loss(held), Some(Stand::Held));
        assert_eq!(stand_after_loss("{}"), Some(Stand::Again));
    }

    #[test]
    fn a_row_is_tried_alone_after_three_deaths_and_failed_only_by_one_alone() {
        let row = RowIndex(6);
        let mut doubt = Doubt { row, since: UnixMs(1), deaths: 2, died_alone: false, stand: Stand::Again };
        assert_eq!((doubt.way(), doubt.verdict()), (Way::Usual, None));
        doubt.deaths = 3;
        assert_eq!((doubt.way(), doubt.verdict()), (Way::Alone, None));
        doubt.died_alone = true;
        assert_eq!(doubt.verdict().map(|verdict| verdict.code), Some(POISON.into()));
        doubt.stand = Stand::Done;
        assert_eq!(doubt.verdict().map(|verdict| verdict.outcome), Some(Outcome::Added), "a person knows");
    }
}
