//! What Redis holds beside a ledger, to be quicker; never the only copy of anything (G14).
//!
//! - `checkpoint`: the live checkpoint of each job, for programs that watch it.
//! - `chunks`: hot chunks of inputs, used only when they are the bytes the database names.
//! - `rate`: the turns of a shared rate.
//! - `wake`: messages that make other machines look at once instead of within a second.
//!
//! **Promise.** Redis may be down, cut off, empty, full, restored from an old dump, or hold anything
//! under our names: that costs speed, never a result. No commit waits for it. Every key begins with the
//! prefix and has an end: a time to live, and a bound on how many there can be.

mod address;
mod checkpoint;
mod chunks;
mod keys;
mod link;
mod rate;
#[cfg(test)]
mod tests;
mod wake;

use std::sync::{Arc, Weak};
use std::time::Duration;

use onward_core::clock::UnixMs;
use onward_core::id::JobId;
use onward_core::job::Job;
use onward_core::store::{Hot, Store};
use tokio::sync::Semaphore;

pub use address::BadAddress;
use checkpoint::Dirty;
use keys::Keys;
use link::Link;
use rate::Looks;

/// Writes under way that nobody waits for; beyond it they are left out.
const PUTTING: usize = 32;
/// How long a process that ends waits for its last checkpoints to be written.
const FAREWELL: Duration = Duration::from_millis(300);

/// The prefix of all keys unless set otherwise.
pub const PREFIX: &str = "onward";

/// A way to the hot copies in one Redis. Cheap to clone.
#[derive(Clone)]
pub struct Redis {
    link: Arc<Link>,
    keys: Keys,
    putting: Arc<Semaphore>,
    dirty: Arc<Dirty>,
    looks: Arc<Looks>,
    script: Arc<redis::Script>,
}

impl Redis {
    /// A way to the Redis at `redis://…` or `rediss://…`. Nothing is connected yet: a Redis that is down
    /// hinders nobody.
    ///
    /// # Errors
    /// When the address is none, or the root certificate it names cannot be used.
    pub fn at(url: &str, prefix: &str) -> Result<Self, BadAddress> {
        Ok(Self {
            link: Arc::new(Link::new(address::client(url)?)),
            keys: Keys::new(prefix),
            putting: Arc::new(Semaphore::new(PUTTING)),
            dirty: Arc::default(),
            looks: Arc::default(),
            script: Arc::new(redis::Script::new(include_str!("turns.lua"))),
        })
    }

    /// Whether Redis serves.
    #[must_use]
    pub fn hot(&self) -> Hot {
        self.link.hot()
    }

    /// Whether it answers now.
    pub(crate) async fn ping(&self) -> bool {
        let pong = self.link.ask("ping", async |mut open| {
            redis::cmd("PING").query_async::<String>(&mut open.connection).await
        });
        pong.await.is_some()
    }

    /// A job has changed in the database: its checkpoint is to be written.
    pub(crate) fn changed(&self, job: JobId) {
        self.dirty.mark(job);
    }

    /// Lets the last changes reach Redis before the process ends.
    pub(crate) async fn settle(&self) {
        self.dirty.settle(FAREWELL).await;
    }

    /// Which of these jobs have a live checkpoint here.
    pub(crate) async fn live(&self, jobs: &[&Job], now: UnixMs) -> Vec<bool> {
        self.live_checkpoints(jobs, now).await
    }

    /// Writes the checkpoints of jobs that changed, until the store is dropped.
    pub(crate) fn write_checkpoints(&self, store: Weak<dyn Store>) -> tokio::task::JoinHandle<()> {
        tokio::spawn(checkpoint::write(self.clone(), Arc::clone(&self.dirty), store))
    }
}
