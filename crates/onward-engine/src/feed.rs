//! The live feed: what changed, for everybody who watches.
//!
//! Every subscriber first reads the present state, then gets one event per job that changed: at most
//! four a second per job while rows finish, and every state change, in order.

use std::sync::Arc;

use onward_core::event::Event;
use onward_core::id::JobId;
use tokio::sync::broadcast;

use crate::snapshot::Snapshot;

/// Something that changed.
#[derive(Debug, Clone)]
pub enum FeedEvent {
    /// A job looks different. `event` is the line of its timeline when its state changed.
    Job {
        /// Number of the last timeline line known when this was made; the `id:` of the stream.
        seq: u64,
        /// The job now.
        snapshot: Arc<Snapshot>,
        /// The state change, if this is one.
        event: Option<Event>,
    },
    /// A job was deleted.
    Deleted {
        /// As above.
        seq: u64,
        /// Which.
        job: JobId,
    },
}

/// A subscription.
pub struct Feed {
    /// Events from the moment of subscribing on. `Lagged` means: read everything anew.
    pub events: broadcast::Receiver<FeedEvent>,
    /// The number of the last timeline line before them.
    pub seq: u64,
}
