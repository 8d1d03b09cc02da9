//! Waiting for something to become true, with a limit. Tests never sleep for a guessed time.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often a condition is looked at: often enough to kill in the middle of things.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The present moment; tests measure real time.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a test of the real binary measures real time")]
pub fn now() -> Instant {
    Instant::now()
}

/// The time of day, for answers that name a moment.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a target has a clock of its own")]
pub fn clock() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

/// Asks `look` again and again until it answers something, at most for `limit`.
///
/// # Errors
/// What was waited for, and the last error of `look`, when the time is up.
pub async fn until<T, F>(what: &str, limit: Duration, mut look: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    let began = now();
    loop {
        let last = match look().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => String::new(),
            Err(error) => format!("; the last error was: {error:#}"),
        };
        if began.elapsed() >= limit {
            bail!("waited {limit:?} in vain for: {what}{last}");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Lets time pass. For random moments only, where no condition is meant; to wait for something, use
/// [`until`].
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
