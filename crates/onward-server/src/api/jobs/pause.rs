//! `POST /api/v1/jobs/{id}/pause`: holds the job until it is resumed.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use onward_core::id::JobId;

use crate::api::extract::{JobPath, JsonBody, Nothing};
use crate::api::view::ActedView;
use crate::api::who::{Who, about_job};
use crate::problem::Result;
use crate::state::App;

/// Answers 202.
pub async fn handle(
    State(app): State<App>,
    JobPath(id): JobPath,
    who: Who,
    JsonBody(Nothing {}): JsonBody<Nothing>,
) -> Result<(StatusCode, Json<ActedView>)> {
    Ok((StatusCode::ACCEPTED, Json(run(&app, id, who).await?)))
}

/// Pauses.
///
/// # Errors
/// As the engine's `pause`, and `epoch-moved`.
pub async fn run(app: &App, id: JobId, who: Who) -> Result<ActedView> {
    who.check(app, id).await?;
    match app.engine.pause(id, who.actor).await {
        Ok(snapshot) => Ok(ActedView { message: "Job paused".to_owned(), job: app.view(&snapshot) }),
        Err(problem) => Err(about_job(app, id, problem).await),
    }
}
