//! `DELETE /api/v1/jobs/{id}`: removes a job that is not running, with its ledger.

use axum::extract::State;
use axum::http::StatusCode;
use onward_core::id::JobId;

use crate::api::extract::JobPath;
use crate::api::who::{Who, about_job};
use crate::problem::Result;
use crate::state::App;

/// Answers 204.
pub async fn handle(State(app): State<App>, JobPath(id): JobPath, who: Who) -> Result<StatusCode> {
    run(&app, id, who).await.map(|()| StatusCode::NO_CONTENT)
}

/// Deletes.
///
/// # Errors
/// `job-running`, `job-not-found`, `epoch-moved`.
pub async fn run(app: &App, id: JobId, who: Who) -> Result<()> {
    who.check(app, id).await?;
    match app.engine.delete(id).await {
        Ok(()) => Ok(()),
        Err(problem) => Err(about_job(app, id, problem).await),
    }
}
