//! `GET /api/v1/workers` and `POST /api/v1/workers/{id}/drain`: who works, and letting one stop.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use onward_core::problem::Code;
use onward_core::state::JobState;
use onward_core::store::JobQuery;
use serde_json::{Value, json};

use crate::api::extract::{JsonBody, Nothing};
use crate::api::view::{HolderView, WorkerSpanView, WorkerView, WorkersView};
use crate::problem::{Failure, Result};
use crate::state::App;

/// Running jobs looked at for their workers: more do not run at one time on one store.
const MAX_JOBS: usize = 1_000;

/// Answers the workers that hold a part of a job now, derived from the leases.
pub async fn list(State(app): State<App>) -> Result<Json<WorkersView>> {
    Ok(Json(WorkersView { workers: workers(&app).await? }))
}

/// Answers 202 and lets this process's worker finish its rows in hand; it then takes no more. A
/// worker of another process is refused: nothing here reaches it.
pub async fn drain(
    State(app): State<App>,
    Path(name): Path<String>,
    JsonBody(Nothing {}): JsonBody<Nothing>,
) -> Result<(StatusCode, Json<Value>)> {
    if app.engine.worker().0 != name {
        if workers(&app).await?.iter().any(|worker| worker.worker_id == name) {
            let detail = "This worker is another process; stop it where it runs, it gives its rows back.";
            return Err(Failure::new(Code::NotAllowed, detail));
        }
        return Err(Failure::new(Code::WorkerNotFound, "No worker of this name holds anything now."));
    }
    let engine = app.engine.clone();
    tokio::spawn(async move { engine.stop_work().await });
    Ok((StatusCode::ACCEPTED, Json(json!({ "message": "The worker stops after the rows in hand" }))))
}

async fn workers(app: &App) -> Result<Vec<WorkerView>> {
    let running = JobQuery { states: vec![JobState::Running], text: None, before: None, limit: MAX_JOBS };
    let mut spans: BTreeMap<String, Vec<WorkerSpanView>> = BTreeMap::new();
    for snapshot in app.engine.jobs(&running).await? {
        for lease in &snapshot.job.leases {
            let hold = WorkerSpanView { job_id: snapshot.job.id.to_string(), hold: HolderView::from(lease) };
            spans.entry(lease.worker.to_string()).or_default().push(hold);
        }
    }
    Ok(spans.into_iter().map(|(worker_id, spans)| WorkerView { worker_id, spans }).collect())
}
