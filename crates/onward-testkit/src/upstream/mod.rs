//! An HTTP API on a free loopback port that misbehaves by script and witnesses every call.
//!
//! It has a thread and a runtime of its own, so that a busy test never delays an answer. Calls can be
//! held back at a gate, which is how a test gets a worker into a known position without sleeping.

mod answers;
mod script;
mod witness;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::watch;

use crate::serving::Serving;
pub use script::{Behaviour, FOLLOWERS, Reply, Reset, Script};
use witness::Witness;
pub use witness::{Call, End};

/// A running upstream. Ends when dropped.
#[derive(Debug)]
pub struct Upstream {
    shared: Arc<Shared>,
    serving: Serving,
}

#[derive(Debug)]
struct Shared {
    script: Mutex<Script>,
    witness: Witness,
    held: watch::Sender<bool>,
    admitted: watch::Sender<usize>,
    hung: watch::Sender<bool>,
    /// Handles about which somebody asked whether they are known.
    asked: Mutex<Vec<String>>,
}

impl Upstream {
    /// Starts one.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub fn start(script: Script) -> Result<Self> {
        Self::start_at(IpAddr::V4(Ipv4Addr::LOCALHOST), script)
    }

    /// Starts one at an address of this machine.
    ///
    /// # Errors
    /// When no port can be had there.
    pub fn start_at(address: IpAddr, script: Script) -> Result<Self> {
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            witness: Witness::default(),
            held: watch::Sender::new(false),
            admitted: watch::Sender::new(usize::MAX),
            hung: watch::Sender::new(true),
            asked: Mutex::default(),
        });
        let router = Router::new()
            .route("/creators/{handle}", get(creator))
            .route("/moved/{handle}", get(creator))
            .route("/rows", post(row))
            .route("/known/{handle}", get(known))
            .with_state(Arc::clone(&shared));
        Ok(Self { shared, serving: Serving::start_at(address, "upstream", router)? })
    }

    /// Where it listens, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> String {
        self.serving.url()
    }

    /// Behaves otherwise from now on.
    pub fn follow(&self, script: Script) {
        *self.shared.script.lock().unwrap_or_else(PoisonError::into_inner) = script;
    }

    /// From now on no call is answered before [`Upstream::release`].
    pub fn hold(&self) {
        self.shared.held.send_replace(true);
    }

    /// Lets all held calls go on.
    pub fn release(&self) {
        self.shared.held.send_replace(false);
    }

    /// From now on the first so many calls since the start are answered, and no more.
    pub fn admit(&self, calls: usize) {
        self.shared.admitted.send_replace(calls);
    }

    /// Answers the calls that hang, and those that would.
    pub fn release_hung(&self) {
        self.shared.hung.send_replace(false);
    }

    /// Every call so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.witness.calls()
    }

    /// How many calls came in so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.witness.count()
    }

    /// How often a call for a handle has acted.
    #[must_use]
    pub fn effects(&self, handle: &str) -> u32 {
        self.shared.witness.effects(handle)
    }

    /// The handles somebody has asked `/known/{handle}` about, in order. Questions are no calls.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many calls have not ended.
    #[must_use]
    pub fn open(&self) -> usize {
        self.shared.witness.open()
    }
}

async fn creator(
    State(shared): State<Arc<Shared>>,
    Path(handle): Path<String>,
    headers: HeaderMap,
) -> Response {
    called(&shared, &handle, &headers, "GET").await
}

/// Whether a call for a handle has acted: 200, or 404.
async fn known(State(shared): State<Arc<Shared>>, Path(handle): Path<String>) -> StatusCode {
    let acted = shared.witness.effects(&handle) > 0;
    shared.asked.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
    if acted { StatusCode::OK } else { StatusCode::NOT_FOUND }
}

/// A row of http work.
async fn row(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: axum::Json<Value>) -> Response {
    let handle = body["fields"]["handle"].as_str().unwrap_or_default().to_owned();
    called(&shared, &handle, &headers, "POST").await
}

async fn called(shared: &Shared, handle: &str, headers: &HeaderMap, method: &str) -> Response {
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let entry = shared.witness.begin(handle, key.clone());
    let (behaviour, latency, honours_keys) = {
        let script = shared.script.lock().unwrap_or_else(PoisonError::into_inner);
        let behaviour = script.handles.get(handle).copied().unwrap_or_default();
        (behaviour, behaviour.latency.unwrap_or(script.latency), script.honours_keys)
    };
    opened(&shared.held).await;
    // The sender outlives every call, so waiting cannot fail.
    drop(shared.admitted.subscribe().wait_for(|calls| entry.number() < *calls).await);
    tokio::time::sleep(latency).await;
    if behaviour.reply == Reply::ActsAndHangs {
        shared.witness.acted(handle, key.clone().filter(|_| honours_keys));
    }
    if matches!(behaviour.reply, Reply::Hang | Reply::ActsAndHangs) {
        opened(&shared.hung).await;
    }
    let answer = answers::answer(handle, behaviour, shared.witness.refused(handle), method);
    if answer.acts {
        shared.witness.acted(handle, key.filter(|_| honours_keys));
    }
    let status = answer.response.status().as_u16();
    entry.end(if answer.refuses { End::Refused(status) } else { End::Answered(status) });
    answer.response
}

/// Waits until the gate is open.
async fn opened(shut: &watch::Sender<bool>) {
    // The sender is shared state and outlives every call, so waiting cannot fail.
    drop(shut.subscribe().wait_for(|shut| !shut).await);
}
