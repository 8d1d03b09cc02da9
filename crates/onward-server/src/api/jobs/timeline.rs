//! `GET /api/v1/jobs/{id}/timeline`: every state change: who, when, epoch, from which row.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use crate::api::cursor;
use crate::api::extract::{JobPath, Params, limit};
use crate::api::view::{EventView, TimelineView};
use crate::problem::Result;
use crate::state::App;

/// Lines on a page unless asked otherwise; hardly a job has more.
const USUAL: usize = 200;
/// The most on one page; a line has about 200 bytes.
const MOST: usize = 1_000;

/// The query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    limit: Option<u64>,
    cursor: Option<String>,
}

/// Answers a page of the timeline, oldest first.
pub async fn handle(
    State(app): State<App>,
    JobPath(id): JobPath,
    Params(query): Params<Query>,
) -> Result<Json<TimelineView>> {
    let page = limit(query.limit, USUAL, MOST)?;
    let after: Option<u64> = cursor::read_as("timeline", query.cursor.as_deref())?;
    app.engine.job(id).await?;
    let events = app.engine.store().events(Some(id), after.unwrap_or(0), page + 1).await?;
    let (events, next_cursor) = cursor::page("timeline", events, page, |event| event.seq.to_string());
    Ok(Json(TimelineView { events: events.into_iter().map(EventView::from).collect(), next_cursor }))
}
