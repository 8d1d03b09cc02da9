//! A sample upstream for the demo: a creators API that is slow, throttles, breaks and hangs on cue.
//!
//! **Promise.** The same handle gets the same creator at every call and in every process, because all
//! of it is derived from a hash of the handle. What differs between calls is only what a real API
//! would do: about every 60th call is throttled, and handles with a telling name misbehave:
//!
//! | handle contains | answer |
//! |---|---|
//! | `flaky` | 500 at the first call, then well |
//! | `slow`, `hang` | nothing for 20 s at the first call, then well |
//! | `private` | 403 `{"error": "this profile is private"}` |
//! | `gone`, `ghost` | 200 `{"error": "not found"}` |
//! | anything else | 200 with `handle`, `followers`, `country`, `platform` |
//!
//! Nothing is kept: a restarted sample API has forgotten which calls were the first ones.

mod profile;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

/// How many handles of first calls are remembered; beyond it the memory starts anew, so that a long
/// demo with a large file cannot grow without end. A second "first call" does no harm.
const REMEMBERED_HANDLES: usize = 100_000;

/// How fast and how badly the sample API behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// The quickest answer, in milliseconds.
    pub fastest_ms: u64,
    /// The slowest ordinary answer, in milliseconds.
    pub slowest_ms: u64,
    /// How long a hanging call says nothing, in milliseconds.
    pub hang_ms: u64,
    /// Every so many calls one is throttled; 0 means never.
    pub throttle_every: u64,
}

impl Default for Manners {
    /// What the demo shows: about 150 ms a row.
    fn default() -> Self {
        Self { fastest_ms: 50, slowest_ms: 250, hang_ms: 20_000, throttle_every: 60 }
    }
}

/// The sample API as a router: `GET /creators/{handle}`, and a sentence at `/`.
pub fn router(manners: Manners) -> Router {
    let sample = Arc::new(Sample { manners, memory: Mutex::default() });
    Router::new().route("/", get(about)).route("/creators/{handle}", get(creator)).with_state(sample)
}

/// Serves the sample API until `stop` resolves.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: tokio::net::TcpListener,
    manners: Manners,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(manners)).with_graceful_shutdown(stop).await
}

struct Sample {
    manners: Manners,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    calls: u64,
    seen: HashSet<String>,
}

/// Whether a handle was asked for before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visit {
    First,
    Again,
}

impl Sample {
    /// Counts a call; `None` when this one is throttled.
    fn visit(&self, handle: &str) -> Option<Visit> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.calls += 1;
        let every = self.manners.throttle_every;
        if every > 0 && memory.calls.is_multiple_of(every) {
            return None;
        }
        if memory.seen.len() >= REMEMBERED_HANDLES {
            memory.seen.clear();
        }
        Some(if memory.seen.insert(handle.to_owned()) { Visit::First } else { Visit::Again })
    }

    fn delay(&self, handle: &str) -> Duration {
        let Manners { fastest_ms, slowest_ms, .. } = self.manners;
        let spread = slowest_ms.saturating_sub(fastest_ms) + 1;
        Duration::from_millis(fastest_ms + profile::number_of(handle, "delay") % spread)
    }
}

async fn about() -> &'static str {
    "Onward's sample upstream: GET /creators/{handle}. It is slow and unreliable on purpose.\n"
}

async fn creator(State(sample): State<Arc<Sample>>, Path(handle): Path<String>) -> Response {
    let Some(visit) = sample.visit(&handle) else { return throttled() };
    let hangs = handle.contains("slow") || handle.contains("hang");
    if hangs && visit == Visit::First {
        tokio::time::sleep(Duration::from_millis(sample.manners.hang_ms)).await;
    }
    tokio::time::sleep(sample.delay(&handle)).await;
    if handle.contains("flaky") && visit == Visit::First {
        let error = json!({"error": "something broke; try again"});
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(error)).into_response();
    }
    if handle.contains("private") {
        return (StatusCode::FORBIDDEN, Json(json!({"error": "this profile is private"}))).into_response();
    }
    if handle.contains("gone") || handle.contains("ghost") {
        return Json(json!({"error": "not found"})).into_response();
    }
    Json(profile::of(&handle)).into_response()
}

fn throttled() -> Response {
    let error = json!({"error": "too many requests; wait a second"});
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")], Json(error)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    const QUICK: Manners = Manners { fastest_ms: 0, slowest_ms: 0, hang_ms: 0, throttle_every: 0 };

    async fn ask(api: &Router, handle: &str) -> (StatusCode, serde_json::Value, Option<String>) {
        let request = Request::get(format!("/creators/{handle}")).body(Body::empty()).unwrap();
        let answer = api.clone().oneshot(request).await.unwrap();
        let retry_after = answer.headers().get(header::RETRY_AFTER).map(|v| v.to_str().unwrap().to_owned());
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap(), retry_after)
    }

    #[tokio::test]
    async fn the_same_handle_is_the_same_creator() {
        let first = ask(&router(QUICK), "ada").await;
        let second = ask(&router(QUICK), "ada").await;
        assert_eq!(first, second);
        assert_eq!(first.1["handle"], "ada");
        assert!(first.1["followers"].is_u64(), "{}", first.1);
    }

    #[tokio::test]
    async fn a_flaky_handle_breaks_once() {
        let api = router(QUICK);
        assert_eq!(ask(&api, "flaky_fred").await.0, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(ask(&api, "flaky_fred").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn private_and_missing_profiles_say_so() {
        let api = router(QUICK);
        let (status, body, _) = ask(&api, "private_pat").await;
        assert_eq!(
            (status, body["error"].as_str()),
            (StatusCode::FORBIDDEN, Some("this profile is private"))
        );
        let (status, body, _) = ask(&api, "ghost_gus").await;
        assert_eq!((status, body["error"].as_str()), (StatusCode::OK, Some("not found")));
    }

    #[tokio::test]
    async fn every_third_call_is_throttled_when_asked_for() {
        let api = router(Manners { throttle_every: 3, ..QUICK });
        ask(&api, "a").await;
        ask(&api, "b").await;
        let (status, _, retry_after) = ask(&api, "c").await;
        assert_eq!((status, retry_after.as_deref()), (StatusCode::TOO_MANY_REQUESTS, Some("1")));
        assert_eq!(ask(&api, "c").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_hanging_handle_hangs_at_its_first_call_only() {
        let api = router(Manners { hang_ms: 600_000, ..QUICK });
        let first = tokio::time::timeout(Duration::from_millis(20), ask(&api, "hang_hana")).await;
        assert!(first.is_err(), "the first call answered");
        assert_eq!(ask(&api, "hang_hana").await.0, StatusCode::OK);
    }
}
