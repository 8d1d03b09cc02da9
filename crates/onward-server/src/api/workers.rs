//! `GET /api/v1/workers` and `POST /api/v1/workers/{id}/drain`: who works, and letting one stop.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Extension, Json};
use onward_core::id::WorkerId;
use onward_core::problem::Code;
use onward_core::state::JobState;
use onward_core::store::JobQuery;
use serde_json::{Value, json};

use crate::api::extract::{JsonBody, Nothing};
use crate::api::flash::{Flash, Kind};
use crate::api::view::{HolderView, WorkerSpanView, WorkerView, WorkersView};
use crate::clock;
use crate::problem::{Asked, Failure, Result};
use crate::state::App;

/// Running jobs looked at for their workers: more do not run at one time on one store.
const MAX_JOBS: usize = 1_000;

/// Answers the worker processes of the store, on whatever machine, and what each holds.
pub async fn list(State(app): State<App>) -> Result<Json<WorkersView>> {
    Ok(Json(WorkersView { workers: workers(&app).await? }))
}

/// Answers 202. The worker hears of it within a second, finishes its rows in hand, hands back its
/// spans, and takes no more.
pub async fn drain(
    State(app): State<App>,
    Path(id): Path<String>,
    JsonBody(Nothing {}): JsonBody<Nothing>,
) -> Result<(StatusCode, Json<Value>)> {
    if !app.engine.store().drain(&WorkerId(id)).await? {
        return Err(Failure::new(Code::WorkerNotFound, "No worker of this id is registered."));
    }
    Ok((StatusCode::ACCEPTED, Json(json!({ "message": "The worker stops after the rows in hand" }))))
}

/// The same for the plain form of the health page: 303 back to it.
pub async fn drain_form(
    State(app): State<App>,
    Extension(asked): Extension<Asked>,
    Path(id): Path<String>,
) -> Response {
    let found = app.engine.store().drain(&WorkerId(id.clone())).await;
    let (kind, title, detail) = match found {
        Ok(true) => (Kind::Success, "The worker stops after the rows in hand", id.as_str()),
        Ok(false) => (Kind::Error, Code::WorkerNotFound.title(), id.as_str()),
        Err(_) => (Kind::Error, Code::StoreUnavailable.title(), ""),
    };
    Flash { kind, title, detail }.redirect("/health", &asked)
}

/// The registry, and holders of spans that are no longer in it.
pub(crate) async fn workers(app: &App) -> Result<Vec<WorkerView>> {
    let now = clock::now();
    let running = JobQuery { states: vec![JobState::Running], limit: MAX_JOBS, ..JobQuery::default() };
    let registered = app.engine.store().workers(now).await?;
    let mut workers: BTreeMap<String, WorkerView> = registered
        .iter()
        .map(|worker| (worker.id.to_string(), WorkerView::registered(worker, now)))
        .collect();
    for snapshot in app.engine.jobs(&running).await? {
        for lease in &snapshot.job.leases {
            let hold = WorkerSpanView { job_id: snapshot.job.id.to_string(), hold: HolderView::from(lease) };
            let id = lease.worker.to_string();
            workers.entry(id.clone()).or_insert_with(|| WorkerView::unknown(id)).spans.push(hold);
        }
    }
    Ok(workers.into_values().collect())
}
