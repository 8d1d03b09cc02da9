//! The suite every store must pass: the contract of [`onward_core::store`] as tests.
//!
//! A store calls [`conformance!`](crate::conformance) once, with a function that makes a fresh store,
//! and gets one named test per sentence of the contract. Each theme is a file, each case a function
//! whose name says what holds. A case knows nothing of the store but the trait; damage that `verify`
//! must find is planted through the [`Subject`], where the store allows it. The last case throws
//! dice: a random history must get the same answers from the store as from the in-memory model.
//!
//! Every case is itself tested: a store with a bug planted on purpose must fail it (`planted`).

pub mod answers;
pub mod attach;
pub mod build;
pub mod claims;
pub mod commands;
pub mod commits;
pub mod doubts;
pub mod events;
pub mod fencing;
pub mod fleet;
pub mod inputs;
pub mod jobs;
pub mod model;
pub mod moving;
pub mod outbox;
pub mod picture;
pub mod reading;
pub mod rescue;
pub mod retry;
pub mod verify;

mod list;
#[cfg(test)]
pub(crate) mod planted;
mod run;
#[cfg(test)]
mod stores;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use onward_core::id::JobId;
use onward_core::store::Store;

pub use run::{Case, Run, run_all};

/// Ways in which stored data can go wrong behind a store's back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// A counter of the first span says one more.
    CounterRaised,
    /// The first record of the ledger is gone.
    RecordLost,
    /// A byte of the first chunk of the input is another one.
    ChunkChanged,
    /// The first chunk of the input is gone.
    ChunkLost,
    /// The first span's low-water mark stands one row further than the ledger does.
    CheckpointMoved,
}

impl Damage {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::CounterRaised, Self::RecordLost, Self::ChunkChanged, Self::ChunkLost, Self::CheckpointMoved];
}

/// Plants damage into what is stored of a job; `false` when this store has no such thing to damage.
pub type Planter = Arc<dyn Fn(JobId, Damage) -> bool + Send + Sync>;

/// A fresh store under test, and what must live as long as it.
pub struct Subject {
    /// The store.
    pub store: Arc<dyn Store>,
    /// How to damage it, if there is a way.
    pub planter: Option<Planter>,
    keep: Vec<Box<dyn Any + Send>>,
}

impl Subject {
    /// A store of which nothing else is known.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, planter: None, keep: Vec::new() }
    }

    /// The same, with a way to damage it.
    #[must_use]
    pub fn with_planter(mut self, planter: Planter) -> Self {
        self.planter = Some(planter);
        self
    }

    /// The same, keeping something alive: the folder of a database file.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any + Send) -> Self {
        self.keep.push(Box::new(guard));
        self
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("store", &self.store.kind()).finish_non_exhaustive()
    }
}
