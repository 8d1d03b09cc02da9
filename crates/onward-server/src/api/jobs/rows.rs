//! `GET /api/v1/jobs/{id}/rows`: rows with an outcome, in row order.

use axum::Json;
use axum::extract::State;
use onward_core::id::RowIndex;
use onward_core::store::RowQuery;
use serde::Deserialize;

use crate::api::cursor;
use crate::api::extract::{JobPath, Params, limit, outcome, text};
use crate::api::view::{RowView, RowsView};
use crate::problem::Result;
use crate::state::App;

/// Rows on a page unless asked otherwise.
const USUAL: usize = 100;
/// The most on one page: one span, so that at most two chunks of the input are read for it.
const MOST: usize = 1_000;

/// The query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    outcome: Option<String>,
    code: Option<String>,
    q: Option<String>,
    limit: Option<u64>,
    cursor: Option<String>,
}

/// Answers a page of rows.
pub async fn handle(
    State(app): State<App>,
    JobPath(id): JobPath,
    Params(query): Params<Query>,
) -> Result<Json<RowsView>> {
    let page = limit(query.limit, USUAL, MOST)?;
    let asked = RowQuery {
        job: id,
        outcome: outcome(query.outcome.as_deref())?,
        code: text("code", query.code)?,
        text: text("q", query.q)?,
        after: cursor::read_as("rows", query.cursor.as_deref())?.map(RowIndex),
        until: None,
        limit: page + 1,
    };
    app.engine.job(id).await?;
    let found = app.engine.rows(&asked).await?;
    let (found, next_cursor) = cursor::page("rows", found, page, |row| row.ledger.index.0.to_string());
    Ok(Json(RowsView { rows: found.into_iter().map(RowView::from).collect(), next_cursor }))
}
