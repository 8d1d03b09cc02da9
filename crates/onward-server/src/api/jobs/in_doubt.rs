//! `GET` and `POST /api/v1/jobs/{id}/in-doubt`: rows whose call may have happened before a process died or
//! the job was taken from its worker, and what a person says about them.

use axum::Json;
use axum::extract::State;
use onward_core::doubt::Stand;
use onward_core::id::{JobId, RowIndex};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::cursor;
use crate::api::extract::{JobPath, JsonBody, Params, invalid, limit};
use crate::api::view::{DoubtView, DoubtsView, SettledView};
use crate::api::who::{Who, about_job};
use crate::problem::Result;
use crate::state::App;

/// Rows on a page unless asked otherwise.
const USUAL: usize = 100;
/// The most on one page, as of the rows with an outcome.
const MOST: usize = 1_000;
/// The most single rows in one request; more are settled by naming none, which means all.
const MAX_ROWS: usize = 10_000;

/// The query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    limit: Option<u64>,
    cursor: Option<String>,
}

/// What a person says about a row in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// Its call has happened: it is `added` and not called again.
    Done,
    /// It is called again.
    Again,
}

/// The body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InDoubt)]
pub struct Body {
    /// done or again.
    pub answer: Answer,
    /// These rows, counting from 1; none means all that wait.
    #[serde(default)]
    pub rows: Vec<u64>,
}

/// Answers a page of rows in doubt.
pub async fn list(
    State(app): State<App>,
    JobPath(id): JobPath,
    Params(query): Params<Query>,
) -> Result<Json<DoubtsView>> {
    let page = limit(query.limit, USUAL, MOST)?;
    let after = cursor::read_as("in-doubt", query.cursor.as_deref())?.map(RowIndex);
    let job = app.engine.job(id).await?.job;
    let found = app.engine.doubts(&job, after, page + 1).await?;
    let (found, next_cursor) = cursor::page("in-doubt", found, page, |row| row.doubt.row.0.to_string());
    Ok(Json(DoubtsView { rows: found.into_iter().map(DoubtView::from).collect(), next_cursor }))
}

/// Answers how many rows were settled.
pub async fn settle(
    State(app): State<App>,
    JobPath(id): JobPath,
    who: Who,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<SettledView>> {
    Ok(Json(run(&app, id, &body, who).await?))
}

/// Settles.
///
/// # Errors
/// `nothing-in-doubt`, `epoch-moved`, and `invalid-parameter` for rows that cannot be.
pub async fn run(app: &App, id: JobId, body: &Body, who: Who) -> Result<SettledView> {
    if body.rows.len() > MAX_ROWS {
        return Err(invalid("rows", &format!("at most {MAX_ROWS} rows; none means all that wait")));
    }
    let rows: Option<Vec<RowIndex>> = body.rows.iter().map(|row| RowIndex::from_row(*row)).collect();
    let rows = rows.ok_or_else(|| invalid("rows", "a list of row numbers, counting from 1"))?;
    let (stand, what) = match body.answer {
        Answer::Done => (Stand::Done, "done"),
        Answer::Again => (Stand::Again, "to be called again"),
    };
    who.check(app, id).await?;
    match app.engine.settle(id, rows, stand, who.actor).await {
        Ok((count, snapshot)) => {
            let rows = if count == 1 { "1 row is".to_owned() } else { format!("{count} rows are") };
            Ok(SettledView { message: format!("{rows} {what}"), count, job: app.view(&snapshot) })
        }
        Err(problem) => Err(about_job(app, id, problem).await),
    }
}
