//! The connection: opened when it is needed, with a limit on every wait, and left alone for a moment
//! after it broke, so that a Redis that is down or cut off costs nobody more than one short wait.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use onward_core::store::Hot;
use redis::aio::MultiplexedConnection;
use redis::{Client, RedisResult};
use tokio::time::{Instant, timeout};

/// How long a command may take. A healthy Redis answers within a millisecond.
const ANSWER_WITHIN: Duration = Duration::from_millis(250);
/// How long connecting may take, over TLS and an ocean.
const CONNECT_WITHIN: Duration = Duration::from_millis(1_500);
/// After a failure nothing is tried for this long; doubles up to [`REST_MAX`].
const REST: Duration = Duration::from_millis(100);
/// The longest rest: after Redis is back, this is how long it takes to be noticed.
const REST_MAX: Duration = Duration::from_secs(2);

/// A way to one Redis.
pub(super) struct Link {
    client: Client,
    state: Mutex<State>,
    /// Held while somebody connects; others do not wait for it.
    connecting: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    open: Option<Open>,
    failures: u32,
    rest_until: Option<Instant>,
    why: Option<String>,
}

/// An open connection.
#[derive(Clone)]
pub(super) struct Open {
    pub(super) connection: MultiplexedConnection,
    /// Names one start of the server, so that what an earlier one has forgotten is not trusted.
    pub(super) server: String,
}

impl Link {
    pub(super) fn new(client: Client) -> Self {
        Self { client, state: Mutex::default(), connecting: tokio::sync::Mutex::default() }
    }

    /// Asks Redis something. `None` when it cannot be reached in time, or says no for now.
    pub(super) async fn ask<T>(
        &self,
        what: &'static str,
        ask: impl AsyncFnOnce(Open) -> RedisResult<T>,
    ) -> Option<T> {
        let open = self.open().await?;
        match timeout(ANSWER_WITHIN, ask(open)).await {
            Ok(Ok(answer)) => {
                self.works();
                Some(answer)
            }
            Ok(Err(error)) => {
                self.failed(what, &error.to_string());
                None
            }
            Err(_) => {
                self.failed(what, "no answer in time");
                None
            }
        }
    }

    /// A connection of its own, for messages.
    pub(super) async fn messages(&self) -> RedisResult<redis::aio::PubSub> {
        match timeout(CONNECT_WITHIN, self.client.get_async_pubsub()).await {
            Ok(answer) => answer,
            Err(_) => Err((redis::ErrorKind::Io, "no connection in time").into()),
        }
    }

    /// How it is.
    pub(super) fn hot(&self) -> Hot {
        let state = self.state();
        match &state.why {
            None if state.open.is_some() => Hot::Up,
            None => Hot::Down(String::from("not connected yet")),
            Some(why) => Hot::Down(why.clone()),
        }
    }

    async fn open(&self) -> Option<Open> {
        {
            let state = self.state();
            if state.rest_until.is_some_and(|until| Instant::now() < until) {
                return None;
            }
            if let Some(open) = &state.open {
                return Some(open.clone());
            }
        }
        let _alone = self.connecting.try_lock().ok()?;
        match timeout(CONNECT_WITHIN, self.connect()).await {
            Ok(Ok(open)) => {
                self.state().open = Some(open.clone());
                Some(open)
            }
            Ok(Err(error)) => {
                self.failed("connect", &error.to_string());
                None
            }
            Err(_) => {
                self.failed("connect", "no connection in time");
                None
            }
        }
    }

    async fn connect(&self) -> RedisResult<Open> {
        let mut connection = self.client.get_multiplexed_async_connection().await?;
        // A service that hides it is taken for one that never restarts.
        let info: String =
            redis::cmd("INFO").arg("server").query_async(&mut connection).await.unwrap_or_default();
        let server = info.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap_or("unknown").trim();
        Ok(Open { connection, server: server.to_owned() })
    }

    fn works(&self) {
        let mut state = self.state();
        if state.why.take().is_some() {
            tracing::info!("redis answers again");
        }
        state.failures = 0;
        state.rest_until = None;
    }

    /// Whatever it was, the next try begins with a new connection, after a rest.
    fn failed(&self, what: &str, why: &str) {
        let mut state = self.state();
        if state.why.is_none() {
            tracing::warn!(what, why, "redis does not serve; checkpoints go to the database alone");
        }
        state.open = None;
        state.rest_until = Some(Instant::now() + (REST * 2u32.pow(state.failures.min(8))).min(REST_MAX));
        state.failures += 1;
        state.why = Some(why.to_owned());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
