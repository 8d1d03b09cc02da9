//! `/livez`, `/readyz` and `/metrics`: for supervisors and monitoring.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use onward_core::clock::UnixMs;
use onward_core::problem::Code;
use onward_core::store::{Hot, Store};
use serde_json::{Value, json};

use crate::clock::now;
use crate::problem::{Failure, Result};
use crate::state::App;

/// How long the store may take before the server calls itself not ready: supervisors ask every few
/// seconds and give up after about as long.
const READY_WITHIN: Duration = Duration::from_secs(2);
const DAY_MS: i64 = 86_400_000;

/// `GET /livez`: the process answers.
pub(crate) async fn live() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// `GET /readyz`: the store takes writes.
pub(crate) async fn ready(State(app): State<App>) -> Result<Json<Value>> {
    let store = app.engine.store();
    match tokio::time::timeout(READY_WITHIN, store.ping()).await {
        Ok(Ok(())) => Ok(Json(ready_with(&**store))),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => {
            let detail = format!("The store did not answer within {} s.", READY_WITHIN.as_secs());
            Err(Failure::new(Code::StoreUnavailable, detail))
        }
    }
}

/// A Redis that is down makes nobody unready: it holds copies alone.
fn ready_with(store: &dyn Store) -> Value {
    let mut ready = json!({ "status": "ready", "store": store.kind() });
    match store.hot() {
        None => {}
        Some(Hot::Up) => ready["redis"] = json!("up"),
        Some(Hot::Down(_)) => {
            ready["redis"] = json!("down");
            ready["detail"] = json!("Redis does not answer; checkpoints go to the database.");
        }
    }
    ready
}

/// `GET /metrics`: counts as Prometheus text.
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response> {
    let now = now();
    let today = UnixMs(now.0 - now.0.rem_euclid(DAY_MS));
    let totals = app.engine.store().totals().await?;
    let sums = app.sums(today).await?;
    let mut text = String::new();
    let states = [
        ("running", totals.running),
        ("queued", totals.queued),
        ("paused", totals.paused),
        ("failed", totals.failed),
    ];
    let states = states.map(|(state, jobs)| (format!("{{status=\"{state}\"}}"), jobs));
    metric(&mut text, "onward_jobs", "gauge", "Jobs by status.", &states);
    metric(&mut text, "onward_jobs_all", "gauge", "All jobs.", &[(String::new(), sums.jobs)]);
    let failed = [(String::new(), sums.failed_rows_today)];
    metric(
        &mut text,
        "onward_failed_rows_today",
        "gauge",
        "Failed rows of jobs active today (UTC).",
        &failed,
    );
    let open = app.settings.max_streams - app.streams.available_permits();
    metric(
        &mut text,
        "onward_event_streams",
        "gauge",
        "Clients of the event streams.",
        &[(String::new(), open as u64)],
    );
    let classes: Vec<(String, u64)> = (1..)
        .zip(&app.counts.by_class)
        .map(|(class, count)| (format!("{{class=\"{class}xx\"}}"), count.load(Ordering::Relaxed)))
        .collect();
    metric(&mut text, "onward_http_requests_total", "counter", "Requests by class of status.", &classes);
    let version = [(format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1)];
    metric(&mut text, "onward_build_info", "gauge", "The version that runs.", &version);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// Counts every answer for `/metrics`.
pub(crate) async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let class = usize::from(response.status().as_u16() / 100).saturating_sub(1);
    if let Some(slot) = app.counts.by_class.get(class) {
        slot.fetch_add(1, Ordering::Relaxed);
    }
    response
}

fn metric(text: &mut String, name: &str, kind: &str, help: &str, values: &[(String, u64)]) {
    let mut line = |line: std::fmt::Arguments<'_>| text.write_fmt(line).expect("a String takes all text");
    line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    for (labels, value) in values {
        line(format_args!("{name}{labels} {value}\n"));
    }
}
