//! Targets that asked for silence: one gate for all jobs of this process that call the same target.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use onward_core::clock::UnixMs;
use onward_core::id::JobId;
use onward_core::recipe::Recipe;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// Targets kept in mind; with more of them those that are open are forgotten.
const MAX_TARGETS: usize = 1_000;

/// The gates by target, and which job waits at one. In memory only: a worker in another process learns
/// of a limit from its own calls.
#[derive(Default)]
pub(crate) struct Gates {
    targets: Mutex<HashMap<String, Gate>>,
    waiting: Mutex<HashMap<JobId, UnixMs>>,
    company: Company,
}

/// What is in flight in this process: many calls, or one that is tried alone. A process that dies of a
/// row must not die beside the row of another job.
#[derive(Debug, Clone, Default)]
pub(crate) struct Company(Arc<RwLock<()>>);

/// A place in it, while the call lasts.
pub(crate) enum Seat {
    Among(#[expect(dead_code, reason = "held, not looked at")] OwnedRwLockReadGuard<()>),
    Alone(#[expect(dead_code, reason = "held, not looked at")] OwnedRwLockWriteGuard<()>),
}

impl Company {
    /// Waits for a place; alone, until every other call has ended.
    pub(crate) async fn enter(self, alone: bool) -> Seat {
        if alone { Seat::Alone(self.0.write_owned().await) } else { Seat::Among(self.0.read_owned().await) }
    }
}

/// The gate of one target.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate(Arc<AtomicI64>);

impl Gates {
    /// The gate of what a recipe calls.
    pub(crate) fn of(&self, recipe: &Recipe) -> Gate {
        let Some(target) = target(recipe) else { return Gate::default() };
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        if targets.len() >= MAX_TARGETS {
            targets.retain(|_, gate| Arc::strong_count(&gate.0) > 1);
        }
        targets.entry(target).or_default().clone()
    }

    /// What is in flight in this process.
    pub(crate) fn company(&self) -> Company {
        self.company.clone()
    }

    /// Notes until when a job waits for its target; in the past when it does not.
    pub(crate) fn waits(&self, job: JobId, until: UnixMs) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(job, until);
    }

    /// Forgets a job that is no longer driven.
    pub(crate) fn forget(&self, job: JobId) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&job);
    }

    /// Until when a job waits for its target, if it does.
    pub(crate) fn waiting(&self, job: JobId, now: UnixMs) -> Option<UnixMs> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.get(&job).copied().filter(|until| *until > now)
    }
}

impl Gate {
    /// Closed until this moment at least.
    pub(crate) fn close(&self, until: UnixMs) {
        self.0.fetch_max(until.0, Ordering::Relaxed);
    }

    /// Until when it is closed.
    pub(crate) fn until(&self) -> UnixMs {
        UnixMs(self.0.load(Ordering::Relaxed))
    }
}

/// The host that a recipe calls, or its program.
fn target(recipe: &Recipe) -> Option<String> {
    let url = recipe.fetch.as_ref().map(|fetch| &fetch.url).or(recipe.work.url.as_ref());
    let (scheme, rest) = url?.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    Some(format!("{scheme}://{host}").to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(url: &str) -> Recipe {
        Recipe::parse(&format!("[work]\nkind = 'http'\nurl = '{url}'")).expect("it is a recipe")
    }

    #[test]
    fn jobs_that_call_one_host_share_a_gate_and_others_do_not() {
        let gates = Gates::default();
        let at = |url| gates.of(&recipe(url));
        at("https://api.example.com/a/{{ id }}").close(UnixMs(7_000));
        assert_eq!(at("https://API.example.com/b?c").until(), UnixMs(7_000));
        assert_eq!(at("https://other.example.com/a").until(), UnixMs(0));
        at("https://api.example.com/").close(UnixMs(5_000));
        assert_eq!(at("https://api.example.com/").until(), UnixMs(7_000), "a shorter wait opens nothing");
    }

    #[test]
    fn a_job_waits_until_its_moment_has_come() {
        let (gates, job) = (Gates::default(), JobId(uuid::Uuid::nil()));
        gates.waits(job, UnixMs(7_000));
        assert_eq!(gates.waiting(job, UnixMs(6_999)), Some(UnixMs(7_000)));
        assert_eq!(gates.waiting(job, UnixMs(7_000)), None);
    }
}
