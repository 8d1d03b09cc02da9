//! The page of one job: where it stands, where it would go on, what went wrong with which row.

use maud::{Markup, html};
use onward_core::event::Event;
use onward_core::hook::Delivery;
use onward_core::id::JobId;
use onward_core::state::JobState;
use onward_core::store::{DeliveryQuery, Store, StoreError, Verify};
use onward_engine::Snapshot;
use onward_engine::handle::DoubtDetail;
use serde::Deserialize;

use crate::api::view::JobView;
use crate::problem::Result;
use crate::state::App;
use crate::web::format::{Relative, bytes, count, relative};
use crate::web::parts::actions::Place;
use crate::web::parts::badge::icon;
use crate::web::parts::card::job_article;
use crate::web::parts::charts::charts;
use crate::web::parts::deliveries::{self, deliveries};
use crate::web::parts::doubts::{self, doubts};
use crate::web::parts::history::{attempts_part, timeline};
use crate::web::parts::map::map;
use crate::web::parts::reasons::reasons;
use crate::web::parts::steer::steer;
use crate::web::parts::tail::tail;
use crate::web::picture::Picture;

/// Lines of the timeline shown, the newest: a job that was resumed a hundred times has fewer.
const MOST_EVENTS: usize = 500;

/// The query of a job's page as it comes.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    verify: String,
}

/// What the page shows.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// The job.
    pub(crate) snapshot: Snapshot,
    /// Where its checkpoint is saved.
    pub(crate) saved_in: Vec<&'static str>,
    /// Its map, its charts, its last outcomes and why rows failed.
    pub(crate) picture: Picture,
    /// The first of its rows in doubt.
    pub(crate) doubts: Vec<DoubtDetail>,
    /// The newest of its deliveries to hooks.
    pub(crate) deliveries: Vec<Delivery>,
    /// Its timeline, oldest first.
    pub(crate) events: Vec<Event>,
    /// What `verify` found, when it was asked for.
    pub(crate) verified: Option<Verify>,
}

/// The end of a job's timeline, oldest first.
async fn newest(store: &dyn Store, id: JobId) -> Result<Vec<Event>, StoreError> {
    let mut events: Vec<Event> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event.seq);
        let page = store.events(Some(id), after, MOST_EVENTS).await?;
        let whole = page.len() == MOST_EVENTS;
        events.extend(page);
        events.drain(..events.len().saturating_sub(MOST_EVENTS));
        if !whole {
            return Ok(events);
        }
    }
}

/// Reads what the page shows.
pub(crate) async fn read(app: &App, id: JobId, asked: &Asked) -> Result<View> {
    let engine = &app.engine;
    let snapshot = engine.job(id).await?;
    let store = engine.store();
    // Comparing the ledger with the counters reads all of it, so it is done only when asked for.
    let verified = async { Ok(if asked.verify == "1" { Some(store.verify(id).await?) } else { None }) };
    let events = async { Ok(newest(&**store, id).await?) };
    let doubts = async { Ok(engine.doubts(&snapshot.job, None, doubts::SHOWN + 1).await?) };
    let query = DeliveryQuery { job: id, before: None, limit: deliveries::SHOWN + 1 };
    let deliveries = async { Ok(engine.deliveries(&query).await?) };
    let (picture, verified, events, doubts, deliveries) =
        tokio::try_join!(app.picture(&snapshot), verified, events, doubts, deliveries)?;
    Ok(View { snapshot, saved_in: store.saved_in(id), picture, doubts, deliveries, events, verified })
}

/// The page.
#[must_use]
pub(crate) fn render(view: &View) -> Markup {
    let snapshot = &view.snapshot;
    let wire = JobView::new(snapshot, &view.saved_in);
    html! {
        p.crumbs { a href="/" { "Jobs" } " / " (snapshot.job.name) }
        (job_article(snapshot, Place::JobPage))
        (doubts(&snapshot.job, &view.doubts, snapshot.at))
        (live(snapshot, &wire, &view.picture))
        div.columns {
            (resume_point(view))
            section.panel #attempts { h2 { "Attempts" } (attempts_part(&view.events, snapshot)) }
        }
        @if snapshot.job.state == JobState::Completed { (downloads(snapshot)) } @else {
            div.columns {
                (steer(snapshot, &wire))
                (downloads(snapshot))
            }
        }
        div.columns {
            section.panel #timeline { h2 { "Timeline" } (timeline(&view.events, snapshot.at)) }
            section.panel #verify { h2 { "Do the numbers add up?" } (verify_part(view)) }
        }
        (deliveries(&snapshot.job, &view.deliveries, snapshot.at))
        (recipe(snapshot))
    }
}

/// What changes while the job runs; scripts fetch it anew.
#[must_use]
pub(crate) fn live(snapshot: &Snapshot, wire: &JobView, picture: &Picture) -> Markup {
    html! {
        div #live {
            (map(snapshot.job.id, &picture.cells))
            (reasons(snapshot, &picture.failed))
            (charts(snapshot, wire.concurrency, picture))
            (tail(snapshot.job.id, &picture.tail))
        }
    }
}

/// `next row 229 · checkpoint 228 saved 0.4 s ago in SQLite · file present, its digest is checked at resume`.
fn resume_point(view: &View) -> Markup {
    let snapshot = &view.snapshot;
    let job = &snapshot.job;
    let checkpoint = &job.checkpoint;
    html! {
        section.panel #resume-point {
            h2 { "Resume point" }
            p.point {
                @match job.resume_from_row() {
                    Some(row) => { "next row " b data-bind="next" { (count(row)) } },
                    None => { "no row is left" },
                }
                " · checkpoint " b data-bind="low-water" { (count(checkpoint.low_water)) }
                @if let Some(saved_at) = checkpoint.saved_at { " saved " span data-bind="saved" { (relative(saved_at, snapshot.at, Relative::Ago)) } }
                " in " (store_names(&view.saved_in)) " · "
                @if job.input.available { "file present, its digest is checked at resume" } @else { strong.bad { "file missing" } }
            }
            dl.pairs {
                div { dt { "Done beyond it" } dd { "rows: " span data-bind="ahead" { (count(checkpoint.ahead)) } } }
                div #doubted hidden[job.in_doubt == 0] { dt { "In doubt" } dd { a href="#in-doubt" { "rows: " span data-bind="in-doubt" { (count(job.in_doubt)) } } } }
                div { dt { "File" } dd { (job.input.filename) ", " (bytes(job.input.bytes)) } }
                div { dt { "SHA-256" } dd { code.digest { (job.input.sha256) } } }
                div { dt { "Attempt, epoch" } dd { (job.attempt) ", " (job.epoch) } }
                div { dt { "Job id" } dd { code.digest { (job.id) } } }
            }
        }
    }
}

fn store_names(places: &[&str]) -> String {
    let name = |place: &&str| match *place {
        "sqlite" => "SQLite".to_owned(),
        "postgres" => "Postgres".to_owned(),
        "redis" => "Redis".to_owned(),
        other => other.to_owned(),
    };
    places.iter().map(name).collect::<Vec<_>>().join(" and ")
}

fn downloads(snapshot: &Snapshot) -> Markup {
    let export = format!("/api/v1/jobs/{}/export", snapshot.job.id);
    html! {
        section.panel #downloads {
            h2 { "Downloads" }
            ul.downloads {
                @if snapshot.job.tally.failed > 0 {
                    li { a href={ (export) "?outcome=failed" } download { (icon("download")) "Failed rows, CSV" }
                        p.hint { "Your columns and the reason. Correct it and " a href={ "/jobs/" (snapshot.job.id) "/attach" } { "attach it" } ": only these rows are done again." } }
                }
                li { a href=(export) download { (icon("download")) "All results, CSV" }
                    p.hint { "Every row in the order of the file, with its outcome." } }
                li { a href={ (export) "?format=ndjson" } download { (icon("download")) "All results, NDJSON" } }
                li { a href={ (export) "?spreadsheet=true" } download { (icon("download")) "All results for a spreadsheet" }
                    p.hint { "Values that a spreadsheet would take for a formula are disarmed." } }
                @if snapshot.job.input.available {
                    li { a href={ "/api/v1/jobs/" (snapshot.job.id) "/input" } download { (icon("download")) "The file itself" }
                        p.hint { "As it was taken: every record in order, in UTF-8." } }
                }
                li { a href={ "/jobs/" (snapshot.job.id) "/attach" } { (icon("plus")) "Attach a corrected or changed file" }
                    p.hint { "It is compared first; what is done stays done." } }
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
