//! Carries out what the core decides: takes files in, drives jobs over a store, watches over them.
//!
//! The engine knows the traits [`onward_core::store::Store`] and [`onward_core::processor::Processor`]
//! and none of their implementations; who starts it passes them in.
//!
//! [`handle`] is what the server and the command line call. `worker` looks for jobs with a free span
//! and starts a `drive` for each; a drive owns one [`onward_core::run::Run`] and does what it says.
//! `member` is this process among the workers of its store, `duties` are the periodic chores, `feed` tells everybody what changed,
//! `hooks` tells other people's servers.

pub mod adopt;
mod again;
pub mod attach;
mod clock;
mod drive;
mod duties;
pub mod feed;
mod gates;
mod gauges;
pub mod handle;
mod heard;
mod hooks;
mod input;
mod member;
mod mishap;
pub mod moving;
mod rows;
pub mod snapshot;
mod worker;

pub use feed::{Feed, FeedEvent};
pub use handle::{Builder, Engine, Limits, Settings, Submission, Tried, rehearse};
pub use rows::{DoubtDetail, RowDetail, RowLook};
pub use snapshot::Snapshot;
