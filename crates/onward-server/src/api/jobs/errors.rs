//! `GET /api/v1/jobs/{id}/errors`: failed rows grouped by why they failed.

use axum::Json;
use axum::extract::State;
use onward_core::row::Outcome;
use serde::Deserialize;

use crate::api::extract::{JobPath, Params, outcome};
use crate::api::view::{GroupView, GroupsView};
use crate::problem::Result;
use crate::state::App;
use crate::web::reasons;

/// The query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    outcome: Option<String>,
}

/// Answers the groups of the failed rows, or of another outcome.
pub async fn handle(
    State(app): State<App>,
    JobPath(id): JobPath,
    Params(query): Params<Query>,
) -> Result<Json<GroupsView>> {
    let outcome = outcome(query.outcome.as_deref())?.unwrap_or(Outcome::Failed);
    app.engine.job(id).await?;
    let groups = reasons::read_all(&app.engine, id, outcome).await?;
    Ok(Json(GroupsView { groups: groups.into_iter().map(GroupView::from).collect() }))
}
