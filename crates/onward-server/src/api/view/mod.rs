//! The shapes of the API's answers: wire types, separate from the core's, as `docs/http-api.md` says.
//!
//! Times are RFC 3339 in UTC with milliseconds. Rows count from 1. Every type reads back what it
//! writes, so that the command line uses the same ones.

mod answers;
mod attached;
mod delivery;
mod job;
mod record;

use jiff::Timestamp;
use onward_core::clock::UnixMs;

pub use answers::*;
pub use attached::{AttachedView, DifferentView};
pub use delivery::{DeliveriesView, DeliveryView, SentAgainView};
pub use job::*;
pub use record::*;

/// A moment as the API writes it: RFC 3339, UTC, milliseconds.
#[must_use]
pub fn rfc3339(at: UnixMs) -> String {
    // A time outside the years -9999 to 9999 can only come from a broken clock; 1970 shows it.
    let stamp = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{stamp:.3}")
}
