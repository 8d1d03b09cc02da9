//! `GET /api/v1/events` and `GET /api/v1/jobs/{id}/events`: the event streams.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use crate::api::extract::JobPath;
use crate::problem::Result;
use crate::sse::{Scope, open};
use crate::state::App;

/// All jobs.
pub async fn all(State(app): State<App>, headers: HeaderMap) -> Result<Response> {
    open(app, Scope::All, &headers).await
}

/// One job.
pub async fn one(State(app): State<App>, JobPath(id): JobPath, headers: HeaderMap) -> Result<Response> {
    open(app, Scope::One(id), &headers).await
}
