//! `GET /api/v1/jobs`: jobs, newest first.

use axum::Json;
use axum::extract::State;
use onward_core::state::JobState;
use onward_core::store::JobQuery;
use serde::Deserialize;

use crate::api::cursor;
use crate::api::extract::{Params, invalid, limit, text};
use crate::api::view::JobsView;
use crate::problem::Result;
use crate::state::App;

/// Jobs on a page unless asked otherwise: what a screen or two hold.
const USUAL: usize = 50;
/// The most on one page: each is about 1 KB, and the page is built in memory.
const MOST: usize = 200;

/// The query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    status: Option<String>,
    q: Option<String>,
    limit: Option<u64>,
    cursor: Option<String>,
}

/// Answers a page of jobs.
pub async fn handle(State(app): State<App>, Params(query): Params<Query>) -> Result<Json<JobsView>> {
    let page = limit(query.limit, USUAL, MOST)?;
    let asked = JobQuery {
        states: states(query.status.as_deref())?,
        text: text("q", query.q)?,
        before: cursor::read_as("jobs", query.cursor.as_deref())?,
        limit: page + 1,
        ..JobQuery::default()
    };
    let found = app.engine.jobs(&asked).await?;
    let (found, next_cursor) = cursor::page("jobs", found, page, |snapshot| snapshot.job.id.to_string());
    Ok(Json(JobsView { jobs: found.iter().map(|snapshot| app.view(snapshot)).collect(), next_cursor }))
}

/// `status=failed` or `status=failed,cancelled`.
fn states(asked: Option<&str>) -> Result<Vec<JobState>> {
    let words =
        asked.into_iter().flat_map(|words| words.split(',')).map(str::trim).filter(|word| !word.is_empty());
    let refused =
        || invalid("status", "one or more of queued, running, paused, completed, failed, cancelled");
    words.map(|word| word.parse().map_err(|_| refused())).collect()
}
