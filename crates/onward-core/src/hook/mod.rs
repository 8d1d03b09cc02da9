//! Word to somebody else's server when a job is completed, failed, paused or stuck.
//!
//! **Promise.** A delivery is born in the transaction that changes the job, one for each hook of its recipe
//! that asks for it, and is sent until its receiver says yes, says "gone", or a day is over. It may arrive
//! twice, always under the same id. What it tells is what was so when it was born.
//!
//! **Who sends.** Any process that looks after the store: it takes a delivery for [`HOLD_MS`] under the next
//! epoch of the delivery, sends, and writes down what came of it. When it dies, somebody else takes it
//! after that time; when it was only slow, its word is refused, as that of an old holder of a span is.
//!
//! **Stuck** is no change of a job but its absence, so it is found by looking ([`crate::stuck`]). What is told
//! once is the standstill: the moment since which nothing was saved names it, whoever sees it and
//! however often.

mod schedule;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::clock::UnixMs;
use crate::event::EventKind;
use crate::id::{Epoch, JobId};
use crate::job::{Job, Tuning};
use crate::problem::Problem;
use crate::recipe::Hook;
use crate::state::JobState;
use crate::stuck::{Stuck, StuckReason, still_since};
use crate::tally::Tally;

pub use schedule::{CALL_MS, DAY_MS, HOLD_MS, Next, Sent, next};

/// A job that nobody works on is told of when it has been so for this long, in milliseconds: a dead worker is
/// replaced within 15 s, and then nobody needs to get up.
pub const LOST_PATIENCE_MS: u64 = 30_000;

/// What a hook is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HookEvent {
    /// Every row has an outcome.
    Completed,
    /// The job could not go on.
    Failed,
    /// It is held.
    Paused,
    /// It runs, and nothing finishes.
    Stuck,
}

impl HookEvent {
    /// All events.
    pub const ALL: [Self; 4] = [Self::Completed, Self::Failed, Self::Paused, Self::Stuck];

    /// The word of the recipe and of the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Paused => "paused",
            Self::Stuck => "stuck",
        }
    }

    /// The event that a line of the timeline is. A probe that finds the target still down holds the job again,
    /// and is no news.
    #[must_use]
    pub fn of(kind: EventKind, tuning: Tuning) -> Option<Self> {
        match kind {
            EventKind::Completed => Some(Self::Completed),
            EventKind::Failed => Some(Self::Failed),
            EventKind::Paused => (tuning.probes() <= 1).then_some(Self::Paused),
            EventKind::Created
            | EventKind::Started
            | EventKind::Resumed
            | EventKind::Restarted
            | EventKind::Cancelled
            | EventKind::Retried
            | EventKind::Rescued
            | EventKind::Fenced
            | EventKind::LateResult
            | EventKind::Changed
            | EventKind::Attached => None,
        }
    }
}

/// What is told of a job: how it stood when the delivery was born.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// When.
    pub at: UnixMs,
    /// Its name for people.
    pub name: String,
    /// Its state.
    pub state: JobState,
    /// Rows of the input.
    pub total: u64,
    /// Rows per outcome.
    pub tally: Tally,
    /// The row (from 1) at which it would go on.
    pub resume_from_row: Option<u64>,
    /// Stretches of running so far.
    pub attempt: u32,
    /// Its epoch.
    pub epoch: Epoch,
    /// When its first row was claimed.
    pub started_at: Option<UnixMs>,
    /// When it came to its end.
    pub finished_at: Option<UnixMs>,
    /// Why it failed, is held or is stuck.
    pub reason: Option<Reason>,
}

/// Why a job stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// A short fixed word.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// A delivery that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// Its name, the same for every store and every try: `webhook-id`, by which a receiver knows a repeat.
    pub id: String,
    /// Which of the recipe's hooks, from 0.
    pub hook: u32,
    /// What it tells of.
    pub event: HookEvent,
    /// What it tells.
    pub notice: Notice,
}

/// The deliveries of a turn that a job has taken: `job` is as it stands after it.
#[must_use]
pub fn born(job: &Job, event: HookEvent, at: UnixMs) -> Vec<NewDelivery> {
    let reason = match event {
        HookEvent::Completed | HookEvent::Stuck => None,
        HookEvent::Failed => job
            .error
            .as_ref()
            .map(|error| Reason { code: error.code.clone(), message: error.message.clone() }),
        HookEvent::Paused => job
            .pause
            .as_ref()
            .map(|pause| Reason { code: pause.reason.word().to_owned(), message: pause.message.clone() }),
    };
    // Every turn has an epoch of its own.
    deliveries(job, event, &format!("{}", job.epoch.0), reason, at)
}

/// The deliveries of a standstill. The store has at most one of each id, so it is told once.
#[must_use]
pub fn born_of_standstill(job: &Job, stuck: &Stuck, at: UnixMs) -> Vec<NewDelivery> {
    let reason = Reason { code: stuck.reason.word().to_owned(), message: stuck.detail.clone() };
    let name = format!("s{}", still_since(job).0);
    deliveries(job, HookEvent::Stuck, &name, Some(reason), at)
}

fn deliveries(
    job: &Job,
    event: HookEvent,
    turn: &str,
    reason: Option<Reason>,
    at: UnixMs,
) -> Vec<NewDelivery> {
    let hooks = hooks_of(&job.recipe);
    let wanted = (0u32..).zip(&hooks).filter(|(_, hook)| hook.on.contains(&event));
    wanted
        .map(|(hook, _)| NewDelivery {
            id: format!("msg_{}_{turn}_{hook}", job.id.0.simple()),
            hook,
            event,
            notice: Notice {
                at,
                name: job.name.clone(),
                state: job.state,
                total: job.total,
                tally: job.tally,
                resume_from_row: job.resume_from_row(),
                attempt: job.attempt,
                epoch: job.epoch,
                started_at: job.started_at,
                finished_at: job.finished_at,
                reason: reason.clone(),
            },
        })
        .collect()
}

/// The hooks of a stored recipe.
#[must_use]
pub fn hooks_of(recipe: &str) -> Vec<Hook> {
    #[derive(Deserialize)]
    struct Glance {
        #[serde(default)]
        hooks: Vec<Hook>,
    }
    // Most recipes have none, and the rest of the text need not be read to know it.
    if !recipe.contains("\"hooks\"") {
        return Vec::new();
    }
    serde_json::from_str::<Glance>(recipe).map(|glance| glance.hooks).unwrap_or_default()
}

/// Whether a stuck job is to be told of, when it was first seen to be so at `seen`.
#[must_use]
pub fn is_worth_telling(stuck: &Stuck, seen: UnixMs, now: UnixMs) -> bool {
    match stuck.reason {
        StuckReason::WorkerLost => now.ms_since(seen) >= LOST_PATIENCE_MS,
        // The limit of the recipe was the patience.
        StuckReason::NoProgress | StuckReason::RowHanging => true,
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    /// It is to be sent, now or later.
    Waiting,
    /// The receiver said yes.
    Delivered,
    /// The receiver said that nobody is there any more.
    Gone,
    /// A day is over and nobody said yes.
    GivenUp,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Delivered, Self::Gone, Self::GivenUp];

    /// The word of the API and of the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Gone => "gone",
            Self::GivenUp => "given-up",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A delivery as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its number: grows over all jobs of a store.
    pub no: u64,
    /// Of which job.
    pub job: JobId,
    /// Its name and what it tells.
    pub new: NewDelivery,
    /// Where it stands.
    pub state: DeliveryState,
    /// Calls made, over all.
    pub tries: u32,
    /// Calls that failed since `begun_at`.
    pub failures: u32,
    /// Since when it is sent: when it was born, or when a person last asked for it.
    pub begun_at: UnixMs,
    /// When the next call is due; `None` when there is none.
    pub next_at: Option<UnixMs>,
    /// When the last call ended.
    pub tried_at: Option<UnixMs>,
    /// What the receiver answered last, if it did.
    pub status: Option<u16>,
    /// What became of the last call, in a sentence.
    pub message: String,
    /// The fencing token: grows each time somebody takes it.
    pub epoch: Epoch,
    /// Until when somebody sends it, if somebody does.
    pub held_until: Option<UnixMs>,
}

/// A delivery in the hand of a sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The delivery.
    pub delivery: Delivery,
    /// The recipe of its job.
    pub recipe: Arc<str>,
    /// When it was taken, by the clock of the store.
    pub at: UnixMs,
}

/// Sends deliveries.
#[async_trait]
pub trait Courier: Send + Sync + 'static {
    /// Whether these hooks can be used here: addresses, secrets.
    ///
    /// # Errors
    /// `recipe-invalid`, `blocked-address` or `secret-missing`, with what to do.
    fn check(&self, hooks: &[Hook]) -> Result<(), Problem>;

    /// Sends a delivery to a hook, once, and answers within [`CALL_MS`] and a little. `now` is the time of the
    /// signature.
    async fn send(&self, hook: &Hook, delivery: &Delivery, now: UnixMs) -> Sent;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_worker_is_told_of_when_nobody_replaced_it_and_a_hanging_row_at_once() {
        let seen = UnixMs(1_800_000_000_000);
        let stuck = |reason| Stuck { reason, since: seen, detail: String::new() };
        let lost = stuck(StuckReason::WorkerLost);
        assert!(!is_worth_telling(&lost, seen, seen.plus_ms(LOST_PATIENCE_MS - 1)));
        assert!(is_worth_telling(&lost, seen, seen.plus_ms(LOST_PATIENCE_MS)));
        for reason in [StuckReason::NoProgress, StuckReason::RowHanging] {
            assert!(is_worth_telling(&stuck(reason), seen, seen));
        }
    }

    #[test]
    fn a_recipe_without_hooks_has_none_whatever_its_texts_say() {
        assert_eq!(hooks_of(r#"{"name":"hooks","work":{"kind":"creators"}}"#), []);
        assert_eq!(hooks_of(r#"{"columns":{"hooks":"hooks"},"work":{"kind":"creators"}}"#), []);
        assert_eq!(hooks_of("no JSON at all, \"hooks\""), []);
    }
}
