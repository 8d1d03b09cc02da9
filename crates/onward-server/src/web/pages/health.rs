//! Health: whether the store answers, who works, and which version this is.

use maud::{Markup, html};
use onward_core::clock::UnixMs;
use onward_core::state::JobState;
use onward_core::store::{Hot, JobQuery, StoreError, Wish};
use onward_engine::Engine;
use tokio::time::Instant;

use crate::clock;
use crate::web::format::{Relative, count, relative};
use crate::web::parts::badge::icon;

/// Running jobs whose workers are listed.
const MOST_JOBS: usize = 100;

/// What the page shows.
#[derive(Debug, Clone)]
pub(crate) struct View {
    store_kind: &'static str,
    ping: Result<u128, String>,
    hot: Option<Hot>,
    workers: Vec<Worker>,
    now: UnixMs,
}

#[derive(Debug, Clone)]
struct Worker {
    name: String,
    host: String,
    status: &'static str,
    spans: usize,
    seen_at: Option<UnixMs>,
}

impl Worker {
    fn registered(known: &onward_core::store::Worker, now: UnixMs) -> Self {
        let status = match known.wish {
            _ if known.is_lost(now) => "lost",
            Wish::Work => "working",
            Wish::Drain => "draining",
        };
        let (name, host) = (known.id.0.clone(), known.host.clone());
        Self { name, host, status, spans: 0, seen_at: Some(known.beat_at) }
    }
}

/// Reads what the page shows. A store that does not answer is a finding, not an error.
pub(crate) async fn read(engine: &Engine) -> View {
    let asked_at = Instant::now();
    let ping = engine.store().ping().await;
    let took_ms = asked_at.elapsed().as_millis();
    let ping = ping.map(|()| took_ms).map_err(|error| said(&error));
    let query = JobQuery { states: vec![JobState::Running], limit: MOST_JOBS, ..JobQuery::default() };
    let now = clock::now();
    let mut workers: Vec<Worker> = engine
        .store()
        .workers(now)
        .await
        .unwrap_or_default()
        .iter()
        .map(|known| Worker::registered(known, now))
        .collect();
    for lease in
        engine.jobs(&query).await.unwrap_or_default().into_iter().flat_map(|running| running.job.leases)
    {
        match workers.iter_mut().find(|worker| worker.name == lease.worker.0) {
            Some(known) => known.spans += 1,
            None => workers.push(Worker {
                name: lease.worker.0,
                host: String::new(),
                status: "lost",
                spans: 1,
                seen_at: None,
            }),
        }
    }
    View { store_kind: engine.store().kind(), ping, hot: engine.store().hot(), workers, now }
}

/// The page.
#[must_use]
pub(crate) fn render(view: &View) -> Markup {
    html! {
        h1 { "Health" }
        section.panel {
            h2 { "Checks" }
            ul.checks {
                li {
                    @match &view.ping {
                        Ok(took_ms) => { span.good { (icon("circle-check")) " Store" } " (" (view.store_kind) ") takes a write in " (took_ms) " ms" },
                        Err(why) => { span.bad { (icon("circle-x")) " Store" } " (" (view.store_kind) "): " (why) },
                    }
                }
                @match &view.hot {
                    None => {}
                    Some(Hot::Up) => li { span.good { (icon("circle-check")) " Redis" } " answers" },
                    Some(Hot::Down(_)) => li { span.bad { (icon("circle-x")) " Redis" } " does not answer; checkpoints go to the database" },
                }
                li { span.good { (icon("circle-check")) " Onward" } " " (env!("CARGO_PKG_VERSION")) " answers" }
            }
        }
        section.panel {
            h2 { "Workers" }
            @if view.workers.is_empty() { p.hint { "No worker is registered. Start one: " code { "onward worker" } } } @else {
                div.scroll { table {
                    thead { tr { th scope="col" { "Worker" } th scope="col" { "Machine" } th scope="col" { "Status" } th.num scope="col" { "Spans" } th scope="col" { "Last seen" } } }
                    tbody { @for worker in &view.workers { tr {
                        td { code { (worker.name) } }
                        td { (worker.host) }
                        td { @if worker.status == "lost" { span.bad { (icon("circle-x")) " lost" } } @else { (worker.status) } }
                        td.num { (count(u64::try_from(worker.spans).unwrap_or(u64::MAX))) }
                        td { @match worker.seen_at { Some(at) => (relative(at, view.now, Relative::Ago)), None => "never" } }
                    } } }
                } }
            }
        }
        p.hint { "For programs: " a href="/livez" { "/livez" } ", " a href="/readyz" { "/readyz" } "." }
    }
}

/// What the database says may hold paths: it is for the log alone.
fn said(error: &StoreError) -> String {
    tracing::warn!(error = %error, "the store failed its check");
    match error {
        StoreError::DiskFull => "no room is left on the disk".to_owned(),
        StoreError::Corrupt(_) => "the stored data contradicts itself".to_owned(),
        StoreError::NotFound(_)
        | StoreError::Fenced { .. }
        | StoreError::Illegal(_)
        | StoreError::Duplicate(_)
        | StoreError::NothingToRetry
        | StoreError::InputGone
        | StoreError::Unavailable(_)
        | StoreError::Unknown(_) => "does not answer".to_owned(),
    }
}
