//! `POST /api/v1/jobs/{id}/restart`: takes the work from its worker and goes on from the checkpoint.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use onward_core::id::JobId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::extract::{JobPath, JsonBody};
use crate::api::view::RestartedView;
use crate::api::who::{Who, about_job};
use crate::problem::Result;
use crate::state::App;

/// The body; none at all means `{"force": false}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = Restart)]
pub struct Body {
    /// Also when the job is making progress.
    pub force: bool,
}

/// Answers 202 with the row it goes on from.
pub async fn handle(
    State(app): State<App>,
    JobPath(id): JobPath,
    who: Who,
    JsonBody(body): JsonBody<Body>,
) -> Result<(StatusCode, Json<RestartedView>)> {
    Ok((StatusCode::ACCEPTED, Json(run(&app, id, body, who).await?)))
}

/// Restarts.
///
/// # Errors
/// As the engine's `restart`, and `epoch-moved`.
pub async fn run(app: &App, id: JobId, body: Body, who: Who) -> Result<RestartedView> {
    who.check(app, id).await?;
    match app.engine.restart(id, body.force, who.actor).await {
        Ok((row, snapshot)) => Ok(RestartedView {
            message: "Job restarted successfully".to_owned(),
            job: app.view(&snapshot),
            restarted_from_row: row,
        }),
        Err(problem) => Err(about_job(app, id, problem).await),
    }
}
