//! `GET /api/v1/jobs/{id}/verify`: counts the ledger record by record and compares.

use axum::Json;
use axum::extract::State;

use crate::api::extract::JobPath;
use crate::api::view::VerifyView;
use crate::problem::Result;
use crate::state::App;

/// Answers what was found, also when something differs.
pub async fn handle(State(app): State<App>, JobPath(id): JobPath) -> Result<Json<VerifyView>> {
    app.engine.job(id).await?;
    Ok(Json(app.engine.store().verify(id).await?.into()))
}
