//! `GET /api/v1/jobs/{id}`: one job.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::api::extract::JobPath;
use crate::problem::Result;
use crate::state::App;

/// Answers the job, with the warnings about its file and its epoch as the `ETag`.
pub async fn handle(State(app): State<App>, JobPath(id): JobPath) -> Result<impl IntoResponse> {
    let snapshot = app.engine.job(id).await?;
    let tag = format!("\"{}\"", snapshot.job.epoch);
    Ok(([(header::ETAG, tag)], Json(app.view_with_warnings(&snapshot).await?)))
}
