//! `POST /api/v1/jobs/{id}/resume`: goes on from the exact position.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use onward_core::id::JobId;

use crate::api::extract::{JobPath, JsonBody, Nothing};
use crate::api::view::ResumedView;
use crate::api::who::{Who, about_job};
use crate::problem::Result;
use crate::state::App;

/// Answers 202 with the row it goes on from.
pub async fn handle(
    State(app): State<App>,
    JobPath(id): JobPath,
    who: Who,
    JsonBody(Nothing {}): JsonBody<Nothing>,
) -> Result<(StatusCode, Json<ResumedView>)> {
    Ok((StatusCode::ACCEPTED, Json(run(&app, id, who).await?)))
}

/// Resumes.
///
/// # Errors
/// As the engine's `resume`, and `epoch-moved`.
pub async fn run(app: &App, id: JobId, who: Who) -> Result<ResumedView> {
    who.check(app, id).await?;
    match app.engine.resume(id, who.actor).await {
        Ok((row, snapshot)) => Ok(ResumedView {
            message: "Job resumed successfully".to_owned(),
            job: app.view(&snapshot),
            resumed_from_row: row,
        }),
        Err(problem) => Err(about_job(app, id, problem).await),
    }
}
