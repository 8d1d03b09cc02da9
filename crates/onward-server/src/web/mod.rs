//! The dashboard: pages made on the server, which work without scripts and are live with them.
//!
//! Every page is complete as HTML; buttons are forms. Scripts add what HTML cannot: numbers that
//! move (a JSON event stream changes texts in place), cards fetched anew when a job changes its state,
//! questions in a dialog, toasts. Buttons always come from the server, so they can never contradict
//! `allowed_actions`. Nothing is written inline: the content policy allows no inline script or style.
//!
//! Hooks that tests and scripts rely on: `article.job[data-job][data-status][data-stuck][data-actions]`,
//! `button[data-action]`, `[data-bind]`, `#conn[data-state]`, `.toast`, `dialog#confirm`.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use maud::Markup;
use onward_core::id::JobId;
use onward_core::problem::Code;
use onward_core::state::Step;
use onward_engine::Snapshot;
use serde::Deserialize;
use tower_http::CompressionLevel;

use crate::clock;
use crate::problem::{Failure, Result};
use crate::router::packing;
use crate::state::App;

mod assets;
mod attempts;
mod filter;
mod format;
mod pages;
mod parts;
pub(crate) mod picture;
pub(crate) mod reasons;
mod request;
mod rows_filter;
mod rows_search;
#[cfg(test)]
mod sample;
#[cfg(test)]
pub(crate) mod sample_views;
#[cfg(test)]
mod tests;

pub(crate) use pages::attach::Chosen;
pub(crate) use pages::main::Running;
pub use pages::new_job::Draft;
pub use pages::trouble::page as problem_page;
pub use parts::flash::COOKIE as FLASH_COOKIE;
pub(crate) use parts::flash::decoded;

use filter::Filter;
use parts::flash::{self, Flash};
use parts::layout::{Kind, Page, layout};

/// The routes of the pages and their assets.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(main_page))
        .route("/summary", get(summary))
        .route("/jobs/new", get(new_job))
        .route("/jobs/{id}", get(job_page))
        .route("/jobs/{id}/live", get(live))
        .route("/jobs/{id}/attach", get(crate::api::jobs::input::show))
        .route("/jobs/{id}/rows", get(rows))
        .route("/jobs/{id}/rows/{row}", get(row))
        .route("/jobs/{id}/errors", get(errors))
        .route("/jobs/{id}/card", get(card))
        .route("/jobs/{id}/confirm", get(confirm))
        .route("/creators", get(creators))
        .route("/health", get(health))
        .route("/settings", get(settings))
        .route("/wall", get(wall))
        // Fetched once and kept, so as small as they get.
        .route("/assets/{*path}", get(assets::serve).layer(packing(CompressionLevel::Best)))
}

/// The new-job page with what was typed and why it was refused, to answer a form with.
#[must_use]
pub fn new_job_page(draft: &Draft) -> Markup {
    let body = pages::new_job::render(draft);
    layout(&Page { title: "New job", kind: Kind::NewJob, now: clock::now(), flash: None, body })
}

/// What is written rather than read from the store, in the same frame: the API and the problems.
#[must_use]
pub fn written_page(title: &str, text: Markup) -> Markup {
    let body = maud::html! { div.prose { (text) } };
    layout(&Page { title, kind: Kind::Written, now: clock::now(), flash: None, body })
}

async fn main_page(
    State(app): State<App>,
    Query(asked): Query<filter::Asked>,
    headers: HeaderMap,
) -> Result<Response> {
    let view = pages::main::read(&app, Filter::read(&asked)?).await?;
    Ok(answer(&headers, "Jobs", Kind::Jobs, pages::main::render(&view)))
}

async fn summary(State(app): State<App>) -> Result<Response> {
    let summary = pages::main::summary(&app).await?;
    Ok(fragment(pages::main::summary_part(&summary)))
}

async fn new_job(headers: HeaderMap) -> Response {
    answer(&headers, "New job", Kind::NewJob, pages::new_job::render(&Draft::default()))
}

async fn job_page(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<pages::job::Asked>,
    headers: HeaderMap,
) -> Result<Response> {
    let view = pages::job::read(&app, job_id(&id)?, &asked).await?;
    let job = &view.snapshot.job;
    // As `assets/patch.js` writes it with the first event.
    let title = format!("{} % {}", parts::bar::percent(&job.tally, job.total), job.name);
    Ok(answer(&headers, &title, Kind::Job, pages::job::render(&view)))
}

/// The page that attaches a file, with what became of the one that was chosen.
pub(crate) fn attach_page(headers: &HeaderMap, snapshot: &Snapshot, chosen: &Chosen) -> Response {
    let title = format!("Attach a file to {}", snapshot.job.name);
    answer(headers, &title, Kind::Job, pages::attach::render(snapshot, chosen))
}

async fn live(State(app): State<App>, Path(id): Path<String>) -> Result<Response> {
    let snapshot = app.engine.job(job_id(&id)?).await?;
    let picture = app.picture(&snapshot).await?;
    Ok(fragment(pages::job::live(&snapshot, &app.view(&snapshot), &picture)))
}

async fn rows(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<rows_filter::Asked>,
    headers: HeaderMap,
) -> Result<Response> {
    let view = pages::rows::read(&app.engine, job_id(&id)?, &asked).await?;
    let title = format!("Rows of {}", view.snapshot.job.name);
    Ok(answer(&headers, &title, Kind::Rows, pages::rows::render(&view)))
}

async fn row(
    State(app): State<App>,
    Path((id, row)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response> {
    let view = pages::row::read(&app.engine, job_id(&id)?, &row).await?;
    let title = format!("Row {} of {}", view.row.index.row(), view.snapshot.job.name);
    Ok(answer(&headers, &title, Kind::Rows, pages::row::render(&view)))
}

async fn errors(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response> {
    let snapshot = app.engine.job(job_id(&id)?).await?;
    let groups = reasons::read_all(&app.engine, snapshot.job.id, onward_core::row::Outcome::Failed).await?;
    let title = format!("Errors of {}", snapshot.job.name);
    Ok(answer(&headers, &title, Kind::Rows, parts::reasons::page(&snapshot, &groups)))
}

async fn card(State(app): State<App>, Path(id): Path<String>) -> Result<Response> {
    let snapshot = app.engine.job(job_id(&id)?).await?;
    Ok(fragment(parts::card::card(&snapshot)))
}

#[derive(Deserialize)]
struct WhichAction {
    action: String,
}

async fn confirm(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(which): Query<WhichAction>,
    headers: HeaderMap,
) -> Result<Response> {
    let snapshot = app.engine.job(job_id(&id)?).await?;
    let offered = snapshot.job.allowed_actions();
    let action = offered.iter().copied().find(|step: &Step| step.word() == which.action);
    let action = action.ok_or_else(|| {
        let state = snapshot.job.state;
        Failure::new(Code::InvalidParameter, format!("this job is {state} by now, so that is not offered"))
    })?;
    Ok(answer(&headers, "Are you sure?", Kind::Other, pages::confirm::render(&snapshot, action)))
}

async fn health(State(app): State<App>, headers: HeaderMap) -> Response {
    let view = pages::health::read(&app).await;
    answer(&headers, "Health", Kind::Health, pages::health::render(&view))
}

async fn creators(
    State(app): State<App>,
    Query(asked): Query<pages::creators::Asked>,
    headers: HeaderMap,
) -> Result<Response> {
    let view = pages::creators::read(&app.engine, &asked).await?;
    Ok(answer(&headers, "Creators", Kind::Creators, pages::creators::render(&view)))
}

async fn settings(State(app): State<App>, headers: HeaderMap) -> Result<Response> {
    let view = pages::settings::read(&app).await?;
    Ok(answer(&headers, "Settings", Kind::Settings, pages::settings::render(&view)))
}

async fn wall(State(app): State<App>, headers: HeaderMap) -> Result<Response> {
    let jobs = pages::wall::read(&app.engine).await?;
    Ok(answer(&headers, "Wall", Kind::Wall, pages::wall::render(&jobs)))
}

fn job_id(text: &str) -> Result<JobId> {
    text.parse().map_err(|_| Failure::new(Code::BadId, "follow a link of the list of jobs"))
}

/// A page, with the message of the request before, which is thereby told and taken away.
fn answer(headers: &HeaderMap, title: &str, kind: Kind, body: Markup) -> Response {
    let flash = Flash::of(headers);
    let page = layout(&Page { title, kind, now: clock::now(), flash: flash.as_ref(), body });
    let mut response = fragment(page);
    if flash.is_some() {
        response.headers_mut().insert(header::SET_COOKIE, flash::clear());
    }
    response
}

/// HTML that is never kept: what it says is true for a moment.
fn fragment(html: Markup) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Html(html.into_string())).into_response()
}
