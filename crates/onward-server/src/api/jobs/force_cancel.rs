//! `POST /api/v1/jobs/{id}/force-cancel`: stops for good, whatever the worker does.

use axum::Json;
use axum::extract::State;
use onward_core::id::JobId;

use crate::api::extract::{JobPath, JsonBody, Nothing};
use crate::api::view::ActedView;
use crate::api::who::{Who, about_job};
use crate::problem::Result;
use crate::state::App;

/// Answers 200; a second time too, and nothing changes.
pub async fn handle(
    State(app): State<App>,
    JobPath(id): JobPath,
    who: Who,
    JsonBody(Nothing {}): JsonBody<Nothing>,
) -> Result<Json<ActedView>> {
    Ok(Json(run(&app, id, who).await?))
}

/// Cancels.
///
/// # Errors
/// As the engine's `force_cancel`, and `epoch-moved`.
pub async fn run(app: &App, id: JobId, who: Who) -> Result<ActedView> {
    who.check(app, id).await?;
    match app.engine.force_cancel(id, who.actor).await {
        Ok(snapshot) => Ok(ActedView { message: "Job cancelled".to_owned(), job: app.view(&snapshot) }),
        Err(problem) => Err(about_job(app, id, problem).await),
    }
}
