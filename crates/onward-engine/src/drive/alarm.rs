//! The moment at which a drive does something by itself.

use std::pin::Pin;
use std::time::Duration;

use onward_core::clock::UnixMs;
use tokio::time::{Instant, Sleep};

/// Rings at a moment. It is kept from one round of a drive to the next, as most rounds leave the moment as it is,
/// and a timer of its own for each took a good part of a quick round's time.
pub(super) struct Alarm {
    at: UnixMs,
    sleep: Pin<Box<Sleep>>,
}

impl Alarm {
    /// Rings at this moment.
    pub(super) fn new(now: UnixMs, at: UnixMs) -> Self {
        Self { at, sleep: Box::pin(tokio::time::sleep(until(now, at))) }
    }

    /// Rings at this moment, also when it has rung for it already: the clock may have been set back.
    pub(super) fn set(&mut self, now: UnixMs, at: UnixMs) {
        if self.at != at || self.sleep.is_elapsed() {
            self.at = at;
            self.sleep.as_mut().reset(Instant::now() + until(now, at));
        }
    }

    /// Waits until it rings.
    pub(super) async fn rings(&mut self) {
        self.sleep.as_mut().await;
    }
}

fn until(now: UnixMs, at: UnixMs) -> Duration {
    // At least a millisecond, so that a moment that has just passed does not spin.
    Duration::from_millis(at.ms_since(now).max(1))
}
