//! What is carried from one store to another when jobs move.

use crate::doubt::Doubt;
use crate::event::Event;
use crate::hook::Delivery;
use crate::id::JobId;
use crate::job::Job;
use crate::store::{Creator, LedgerRow, NewJob};

/// What a job says that is not whole yet: it is paused, so that nobody takes it up.
pub const BEING_MOVED: &str = "it is being moved here from another store";

/// What the timeline says of a job that had nothing left to be done when it was taken over.
pub const DONE_BEFORE: &str = "every row was done already when it was taken over";

/// A part of what moves. Each is one transaction; a part that is there already changes nothing.
#[derive(Debug, Clone)]
pub enum Moving {
    /// A job over an input that is here already: paused, with free spans and [`BEING_MOVED`]. `now` is
    /// when it was created over there.
    Begin(NewJob),
    /// Records of its ledger.
    Rows(JobId, Vec<LedgerRow>),
    /// Records that retries took out of its ledger.
    History(JobId, Vec<LedgerRow>),
    /// Its rows in doubt.
    Doubts(JobId, Vec<Doubt>),
    /// Its timeline, in order; the numbers are given anew.
    Events(JobId, Vec<Event>),
    /// Its deliveries to hooks, oldest first; the numbers are given anew, and nobody has any of them here.
    Deliveries(JobId, Vec<Delivery>),
    /// Creators, whether their job is here or was deleted.
    Creators(Vec<Creator>),
    /// The job is whole: counters are taken from the ledger that is here, everything else is as it was
    /// over there.
    End(Box<Job>),
    /// The same for a job whose rows somebody else has done, all or some. One that is done by this has come to its
    /// end here and now: its timeline says so, and its hooks are told. That of a job that moves was told over there.
    Adopted {
        /// The job as it is to be.
        job: Box<Job>,
        /// Who takes it over.
        actor: String,
    },
}
