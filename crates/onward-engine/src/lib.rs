//! Carries out what the core decides: takes files in, drives jobs over a store, watches over them.
//!
//! The engine knows the traits [`onward_core::store::Store`] and [`onward_core::processor::Processor`]
//! and none of their implementations; who starts it passes them in.

mod clock;
pub mod feed;
pub mod handle;
mod input;
pub mod snapshot;

pub use feed::{Feed, FeedEvent};
pub use handle::{Builder, Engine, Settings, Submission};
pub use snapshot::Snapshot;
