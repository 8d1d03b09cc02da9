//! `POST /api/v1/jobs/{id}/retry`: opens rows again under a new generation.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use onward_core::id::{JobId, RowIndex};
use onward_core::row::Outcome;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::extract::{JobPath, JsonBody, invalid, text};
use crate::api::view::RetriedView;
use crate::api::who::{Who, about_job};
use crate::problem::Result;
use crate::state::App;

/// The most single rows in one request; more are named by their outcome and code.
const MAX_ROWS: usize = 10_000;

/// The body; none at all means all failed rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = Retry)]
pub struct Body {
    /// Rows with this outcome; `failed` when left out.
    #[schema(value_type = String)]
    pub outcome: Outcome,
    /// Only those with this code.
    pub code: Option<String>,
    /// Only those whose key or message contains this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Only these rows, counting from 1; none means all.
    pub rows: Vec<u64>,
}

impl Default for Body {
    fn default() -> Self {
        Self { outcome: Outcome::Failed, code: None, q: None, rows: Vec::new() }
    }
}

/// Answers 202 with how many rows are tried again.
pub async fn handle(
    State(app): State<App>,
    JobPath(id): JobPath,
    who: Who,
    JsonBody(body): JsonBody<Body>,
) -> Result<(StatusCode, Json<RetriedView>)> {
    Ok((StatusCode::ACCEPTED, Json(run(&app, id, body, who).await?)))
}

/// Retries.
///
/// # Errors
/// As the engine's `retry`, `epoch-moved`, and `invalid-parameter` for rows that cannot be.
pub async fn run(app: &App, id: JobId, body: Body, who: Who) -> Result<RetriedView> {
    if body.rows.len() > MAX_ROWS {
        return Err(invalid(
            "rows",
            &format!("at most {MAX_ROWS} rows; name more of them by outcome and code"),
        ));
    }
    let rows: Option<Vec<RowIndex>> = body.rows.iter().map(|row| RowIndex::from_row(*row)).collect();
    let rows = rows.ok_or_else(|| invalid("rows", "a list of row numbers, counting from 1"))?;
    let text = text("q", body.q)?;
    who.check(app, id).await?;
    match app.engine.retry(id, body.outcome, body.code, text, rows, who.actor).await {
        Ok((count, snapshot)) => Ok(RetriedView {
            message: if count == 1 {
                "1 row is tried again".into()
            } else {
                format!("{count} rows are tried again")
            },
            count,
            job: app.view(&snapshot),
        }),
        Err(problem) => Err(about_job(app, id, problem).await),
    }
}
