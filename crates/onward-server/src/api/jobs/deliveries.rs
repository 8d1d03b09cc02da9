//! `GET /api/v1/jobs/{id}/deliveries` and `POST …/deliveries/{delivery}/send`: what the hooks of a job were told,
//! and telling them again.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use onward_core::id::JobId;
use onward_core::store::DeliveryQuery;
use serde::{Deserialize, Serialize};

use crate::api::cursor;
use crate::api::extract::{JobPath, JsonBody, Nothing, Params, job_id, limit};
use crate::api::view::{DeliveriesView, DeliveryView, SentAgainView};
use crate::api::who::Who;
use crate::problem::Result;
use crate::state::App;

/// Deliveries on a page unless asked otherwise; hardly a job has more.
const USUAL: usize = 100;
/// The most on one page; a delivery has about 600 bytes.
const MOST: usize = 1_000;

/// The query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    limit: Option<u64>,
    cursor: Option<String>,
}

/// The body of the form and of the path without the prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// Which delivery.
    pub delivery: String,
}

/// Answers a page of deliveries.
pub async fn list(
    State(app): State<App>,
    JobPath(id): JobPath,
    Params(query): Params<Query>,
) -> Result<Json<DeliveriesView>> {
    let page = limit(query.limit, USUAL, MOST)?;
    let before: Option<u64> = cursor::read_as("deliveries", query.cursor.as_deref())?;
    let job = app.engine.job(id).await?.job;
    let found = app.engine.deliveries(&DeliveryQuery { job: id, before, limit: page + 1 }).await?;
    let (found, next_cursor) = cursor::page("deliveries", found, page, |delivery| delivery.no.to_string());
    let deliveries = found.iter().map(|delivery| DeliveryView::new(delivery, &job.recipe)).collect();
    Ok(Json(DeliveriesView { deliveries, next_cursor }))
}

/// Answers 202: it is due now, with a new day before it.
pub async fn send(
    State(app): State<App>,
    Path((id, delivery)): Path<(String, String)>,
    who: Who,
    JsonBody(Nothing {}): JsonBody<Nothing>,
) -> Result<(StatusCode, Json<SentAgainView>)> {
    Ok((StatusCode::ACCEPTED, Json(run(&app, job_id(&id)?, &Body { delivery }, who).await?)))
}

/// Sends again.
///
/// # Errors
/// `delivery-not-found`, `epoch-moved`.
pub async fn run(app: &App, id: JobId, body: &Body, who: Who) -> Result<SentAgainView> {
    who.check(app, id).await?;
    let job = app.engine.job(id).await?.job;
    let delivery = app.engine.send_again(id, &body.delivery).await?;
    let message = if delivery.held_until.is_some() { "It is on its way already" } else { "It is sent again" };
    let delivery = DeliveryView::new(&delivery, &job.recipe);
    Ok(SentAgainView { message: message.to_owned(), delivery })
}
