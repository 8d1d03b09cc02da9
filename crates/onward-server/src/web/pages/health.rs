//! Health: whether the store answers, who works and can be drained, how large everything is.

use std::sync::Mutex;

use maud::{Markup, html};
use onward_core::clock::UnixMs;
use onward_core::store::{Hot, StoreError};
use tokio::time::Instant;

use crate::api::view::WorkerView;
use crate::api::workers::workers;
use crate::clock;
use crate::state::App;
use crate::web::format::{Relative, bytes, count, relative};
use crate::web::parts::badge::icon;

/// The last failure of a check, so that what was wrong a minute ago is still seen.
static LAST_FAILURE: Mutex<Option<(UnixMs, String)>> = Mutex::new(None);

/// What the page shows.
#[derive(Debug, Clone)]
pub(crate) struct View {
    store_kind: &'static str,
    hot: Option<Hot>,
    write: Result<u128, String>,
    read: Result<u128, String>,
    last_failure: Option<(UnixMs, String)>,
    workers: Vec<WorkerView>,
    own: String,
    sizes: Vec<(String, u64)>,
    streams: (usize, usize),
    now: UnixMs,
}

/// Reads what the page shows. A store that does not answer is a finding, not an error.
pub(crate) async fn read(app: &App) -> View {
    let store = app.engine.store();
    let begun = Instant::now();
    let write = store.ping().await.map(|()| begun.elapsed().as_millis()).map_err(|error| said(&error));
    let begun = Instant::now();
    let read = store.last_event().await.map(|_| begun.elapsed().as_millis()).map_err(|error| said(&error));
    let workers = workers(app).await.unwrap_or_default();
    let sizes = store.sizes().await.unwrap_or_default();
    let last_failure = LAST_FAILURE.lock().map(|last| last.clone()).unwrap_or_default();
    let most = app.settings.max_streams;
    let streams = (most.saturating_sub(app.streams.available_permits()), most);
    let own = app.engine.worker().0.clone();
    View {
        store_kind: store.kind(),
        hot: store.hot(),
        write,
        read,
        last_failure,
        workers,
        own,
        sizes,
        streams,
        now: clock::now(),
    }
}

/// The page.
#[must_use]
pub(crate) fn render(view: &View) -> Markup {
    html! {
        h1 { "Health" }
        section.panel { h2 { "Checks" }
            ul.checks {
                (check("Store takes a write", view.store_kind, &view.write))
                (check("Store answers a read", view.store_kind, &view.read))
                @match &view.hot {
                    None => {}
                    Some(Hot::Up) => li { span.good { (icon("circle-check")) " Redis answers" } },
                    Some(Hot::Down(_)) => li { span.bad { (icon("circle-x")) " Redis does not answer" } span.quiet { "checkpoints go to the database" } },
                }
                li { span.good { (icon("circle-check")) " Onward answers" } span.quiet { "version " (env!("CARGO_PKG_VERSION")) } }
            }
            @match &view.last_failure {
                Some((at, why)) => p.hint { "Last failure of a check: " (why) ", " (relative(*at, view.now, Relative::Ago)) "." },
                None => p.hint { "No check has failed since the server started." },
            }
        }
        section.panel { h2 { "Workers" } (workers_part(view)) }
        section.panel { h2 { "Sizes" }
            ul.figures {
                @for (what, size) in &view.sizes { li { b { (bytes(*size)) } span.quiet { (what) } } }
                li { b { (count(view.streams.0 as u64)) } span.quiet { "of " (count(view.streams.1 as u64)) " event-stream clients" } }
            }
        }
        p.hint { "For programs: " a href="/livez" { "/livez" } ", " a href="/readyz" { "/readyz" } ", " a href="/metrics" { "/metrics" } ", the API at " a href="/docs" { "/docs" } "." }
    }
}

fn check(what: &str, detail: &str, found: &Result<u128, String>) -> Markup {
    html! {
        li {
            @match found {
                Ok(ms) => { span.good { (icon("circle-check")) " " (what) } span.quiet { (detail) " · " (ms) " ms" } },
                Err(why) => { span.bad { (icon("circle-x")) " " (what) } span.quiet { (detail) " · " (why) } },
            }
        }
    }
}

fn workers_part(view: &View) -> Markup {
    html! {
        @if view.workers.is_empty() { p.hint { "No worker is registered. Start one: " code { "onward worker" } } } @else {
            div.scroll tabindex="0" role="region" aria-label="Workers" { table {
                thead { tr { th scope="col" { "Worker" } th scope="col" { "State" } th.num scope="col" { "Spans" } th scope="col" { "Sign of life" } th scope="col" { span.vh { "Drain" } } } }
                tbody { @for worker in &view.workers { (line(view, worker)) } }
            } }
            p.hint { "A worker that is drained finishes its rows in hand, gives its spans back and takes no more; start it again to let it work." }
        }
    }
}

fn line(view: &View, worker: &WorkerView) -> Markup {
    let own = worker.worker_id == view.own;
    let (class, word) = match worker.status.as_str() {
        "working" => ("good", "working"),
        "draining" => ("quiet", "draining"),
        _ => ("bad", "lost"),
    };
    html! {
        tr {
            th scope="row" { code { (worker.worker_id) } @if own { span.quiet { " this server" } }
                @if let (Some(host), Some(pid)) = (&worker.host, worker.pid) { span.quiet { " · " (host) ", process " (pid) } } }
            td { span.(class) { (word) } }
            td.num { (count(worker.spans.len() as u64)) }
            td { @match worker.seen_at.as_deref().and_then(moment_of) { Some(at) => (relative(at, view.now, Relative::Ago)), None => span.quiet { "unknown" } } }
            td { @if word == "working" {
                form method="post" action={ "/workers/" (worker.worker_id) "/drain" } {
                    button.small type="submit" { "Drain" span.vh { " " (worker.worker_id) } }
                }
            } }
        }
    }
}

fn moment_of(text: &str) -> Option<UnixMs> {
    text.parse::<jiff::Timestamp>().ok().map(|stamp| UnixMs(stamp.as_millisecond()))
}

/// What the database says may hold paths: it is for the log alone.
fn said(error: &StoreError) -> String {
    tracing::warn!(%error, "the store failed its check");
    let why = match error {
        StoreError::DiskFull => "no room is left on the disk",
        StoreError::Corrupt(_) => "the stored data contradicts itself",
        StoreError::NotFound(_)
        | StoreError::Fenced { .. }
        | StoreError::Illegal(_)
        | StoreError::Duplicate(_)
        | StoreError::NothingToRetry
        | StoreError::InputGone
        | StoreError::Unavailable(_)
        | StoreError::Unknown(_) => "does not answer",
    };
    if let Ok(mut last) = LAST_FAILURE.lock() {
        *last = Some((clock::now(), why.to_owned()));
    }
    why.to_owned()
}
