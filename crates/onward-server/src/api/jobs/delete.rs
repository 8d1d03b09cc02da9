//! `DELETE /api/v1/jobs/{id}`: removes a job that is not running, with its ledger.

use axum::extract::State;
use axum::http::StatusCode;

use crate::api::extract::JobPath;
use crate::api::who::{Who, about_job};
use crate::problem::Result;
use crate::state::App;

/// Answers 204.
pub async fn handle(State(app): State<App>, JobPath(id): JobPath, who: Who) -> Result<StatusCode> {
    who.check(&app, id).await?;
    match app.engine.delete(id).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(problem) => Err(about_job(&app, id, problem).await),
    }
}
