//! `POST /api/v1/jobs/{id}/resume`: goes on from the exact position.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use onward_core::id::JobId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::extract::{JobPath, JsonBody, invalid};
use crate::api::view::ResumedView;
use crate::api::who::{Who, about_job};
use crate::problem::Result;
use crate::state::App;

/// The body; none at all means to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = Resume)]
pub struct Body {
    /// Do so many rows, then hold the job and ask.
    pub first: Option<u64>,
}

/// Answers 202 with the row it goes on from.
pub async fn handle(
    State(app): State<App>,
    JobPath(id): JobPath,
    who: Who,
    JsonBody(body): JsonBody<Body>,
) -> Result<(StatusCode, Json<ResumedView>)> {
    Ok((StatusCode::ACCEPTED, Json(run(&app, id, body, who).await?)))
}

/// Resumes.
///
/// # Errors
/// As the engine's `resume`, `epoch-moved`, and `invalid-parameter`.
pub async fn run(app: &App, id: JobId, body: Body, who: Who) -> Result<ResumedView> {
    if body.first == Some(0) {
        return Err(invalid("first", "a number of rows, from 1"));
    }
    who.check(app, id).await?;
    match app.engine.resume(id, body.first, who.actor).await {
        Ok((row, snapshot)) => Ok(ResumedView {
            message: "Job resumed successfully".to_owned(),
            job: app.view(&snapshot),
            resumed_from_row: row,
        }),
        Err(problem) => Err(about_job(app, id, problem).await),
    }
}
