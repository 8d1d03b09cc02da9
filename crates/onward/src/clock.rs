//! The one place of the command line that asks the time.

use std::time::{SystemTime, UNIX_EPOCH};

use onward_core::clock::UnixMs;

/// The present moment by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "the edge where time enters; everything else is passed it")]
pub(crate) fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
