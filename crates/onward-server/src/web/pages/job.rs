//! The page of one job: where it stands, where it would go on, what went wrong with which row.

use maud::{Markup, html};
use onward_core::event::Event;
use onward_core::id::JobId;
use onward_core::row::Outcome;
use onward_core::store::{Group, RowQuery, Verify};
use onward_engine::handle::RowDetail;
use onward_engine::{Engine, Snapshot};

use crate::problem::Result;
use crate::web::format::{Relative, bytes, count, relative};
use crate::web::parts::actions::Place;
use crate::web::parts::badge::icon;
use crate::web::parts::card::job_article;
use crate::web::parts::history::{attempts_part, timeline};
use crate::web::parts::reasons::reasons;
use crate::web::parts::rows::rows_part;
use crate::web::rows_filter::{Asked, RowsFilter};

/// Rows a page: fits two screens and keeps the page small.
const ROWS_A_PAGE: usize = 50;
/// Lines of the timeline read: a job that was resumed a hundred times has fewer.
const MOST_EVENTS: usize = 500;

/// What the page shows.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// The job.
    pub(crate) snapshot: Snapshot,
    /// Where its checkpoints are saved.
    pub(crate) store_kind: &'static str,
    /// Failed rows by reason.
    pub(crate) groups: Vec<Group>,
    /// Its timeline, oldest first.
    pub(crate) events: Vec<Event>,
    /// Which rows.
    pub(crate) filter: RowsFilter,
    /// Those rows.
    pub(crate) rows: Vec<RowDetail>,
    /// The row after which the next page begins.
    pub(crate) next_after: Option<u64>,
    /// What `verify` found, when it was asked for.
    pub(crate) verified: Option<Verify>,
}

/// Reads what the page shows.
pub(crate) async fn read(engine: &Engine, id: JobId, asked: &Asked) -> Result<View> {
    let snapshot = engine.job(id).await?;
    let filter = RowsFilter::read(asked, &snapshot)?;
    let store = engine.store();
    let query = RowQuery {
        job: id,
        outcome: filter.outcome,
        code: filter.code.clone(),
        text: filter.search.clone(),
        after: filter.after,
        until: None,
        limit: ROWS_A_PAGE + 1,
    };
    let mut rows = engine.rows(&query).await?;
    let more = rows.len() > ROWS_A_PAGE;
    rows.truncate(ROWS_A_PAGE);
    let next_after = rows.last().filter(|_| more).map(|last| last.ledger.index.row());
    let groups =
        if snapshot.job.tally.failed > 0 { store.groups(id, Outcome::Failed).await? } else { Vec::new() };
    let verified = if asked.wants_verify() { Some(store.verify(id).await?) } else { None };
    let events = store.events(Some(id), 0, MOST_EVENTS).await?;
    Ok(View { snapshot, store_kind: store.kind(), groups, events, filter, rows, next_after, verified })
}

/// The page.
#[must_use]
pub(crate) fn render(view: &View) -> Markup {
    let snapshot = &view.snapshot;
    html! {
        p.crumbs { a href="/" { "Jobs" } " / " (snapshot.job.name) }
        (job_article(snapshot, Place::JobPage))
        div.columns {
            (resume_point(view))
            section.panel { h2 { "Attempts" } (attempts_part(&view.events, snapshot)) }
        }
        (reasons(snapshot, &view.groups))
        (rows_part(view))
        div.columns {
            (downloads(snapshot))
            section.panel #verify { h2 { "Do the numbers add up?" } (verify_part(view)) }
        }
        section.panel { h2 { "Timeline" } (timeline(&view.events, snapshot.at)) }
        (recipe(snapshot))
    }
}

/// `next row 229 · checkpoint 228 saved 0.4 s ago in SQLite · file present, its digest is checked at resume`.
fn resume_point(view: &View) -> Markup {
    let snapshot = &view.snapshot;
    let job = &snapshot.job;
    let checkpoint = &job.checkpoint;
    html! {
        section.panel {
            h2 { "Resume point" }
            p.point {
                @match job.resume_from_row() {
                    Some(row) => { "next row " b data-bind="next" { (count(row)) } },
                    None => { "no row is left" },
                }
                " · checkpoint " b data-bind="low-water" { (count(checkpoint.low_water)) }
                @if let Some(saved_at) = checkpoint.saved_at { " saved " span data-bind="saved" { (relative(saved_at, snapshot.at, Relative::Ago)) } }
                " in " (store_name(view.store_kind)) " · "
                @if job.input.available { "file present, its digest is checked at resume" } @else { strong.bad { "file missing" } }
            }
            dl.pairs {
                div { dt { "Beyond the checkpoint" } dd { span data-bind="ahead" { (count(checkpoint.ahead)) } " rows done" } }
                div { dt { "File" } dd { (job.input.filename) ", " (bytes(job.input.bytes)) } }
                div { dt { "SHA-256" } dd { code.digest { (job.input.sha256) } } }
                div { dt { "Attempt, epoch" } dd { (job.attempt) ", " (job.epoch) } }
                div { dt { "Job id" } dd { code.digest { (job.id) } } }
            }
        }
    }
}

fn store_name(kind: &str) -> &str {
    match kind {
        "sqlite" => "SQLite",
        "postgres" => "Postgres",
        other => other,
    }
}

fn downloads(snapshot: &Snapshot) -> Markup {
    let export = format!("/api/v1/jobs/{}/export", snapshot.job.id);
    html! {
        section.panel {
            h2 { "Downloads" }
            ul.downloads {
                @if snapshot.job.tally.failed > 0 {
                    li { a href={ (export) "?outcome=failed" } download { (icon("download")) "Failed rows, CSV" }
                        p.hint { "Your columns and the reason. Correct it and make a new job of it." } }
                }
                li { a href=(export) download { (icon("download")) "All results, CSV" }
                    p.hint { "Every row in the order of the file, with its outcome." } }
                li { a href={ (export) "?format=ndjson" } download { (icon("download")) "All results, NDJSON" } }
            }
        }
    }
}

fn verify_part(view: &View) -> Markup {
    let id = view.snapshot.job.id;
    html! {
        @if let Some(found) = &view.verified {
            @if found.problems.is_empty() {
                p.good { (icon("circle-check")) " Yes. " (count(found.ledger.processed())) " records in the ledger, and the counters say the same." }
            } @else {
                p.bad { (icon("circle-x")) " No. Stop using this job and keep its data:" }
                ul { @for problem in &found.problems { li { (problem) } } }
            }
        } @else {
            p { "Counts the ledger record by record and compares it with the counters, the checkpoint and the file." }
        }
        p { a.btn href={ "/jobs/" (id) "?verify=1#verify" } { (icon("list")) "Verify now" } }
    }
}

fn recipe(snapshot: &Snapshot) -> Markup {
    let text = serde_json::from_str::<serde_json::Value>(&snapshot.job.recipe)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| snapshot.job.recipe.to_string());
    html! {
        details.panel #recipe {
            summary { h2 { "Recipe" } }
            pre tabindex="0" aria-label="Recipe" { code { (text) } }
        }
    }
}
