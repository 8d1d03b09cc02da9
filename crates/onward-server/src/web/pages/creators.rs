//! What the creators work has added: search, filter by list, where each came from, export.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use onward_core::id::JobId;
use onward_core::store::{Creator, CreatorQuery, GONE_FROM};
use onward_engine::Engine;
use serde::Deserialize;

use crate::api::cursor;
use crate::problem::Result;
use crate::web::filter::encoded;
use crate::web::format::{count, moment};
use crate::web::parts::badge::icon;

/// Creators a page.
const A_PAGE: usize = 50;
/// Characters of a creator's columns that are shown; the rest is in the export.
const MOST_DATA_CHARS: usize = 160;
/// Stands between table and key in a cursor; no key has control characters.
const BETWEEN: char = '\u{1e}';

/// The query of the page as it comes.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    table: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    cursor: String,
}

/// What the page shows.
#[derive(Debug, Clone)]
pub(crate) struct View {
    table: String,
    search: String,
    first: bool,
    creators: Vec<Creator>,
    /// The names of the jobs they came from; a job that was deleted has none.
    jobs: BTreeMap<JobId, String>,
    next: Option<String>,
}

/// Reads what the page shows.
pub(crate) async fn read(engine: &Engine, asked: &Asked) -> Result<View> {
    let cursor = Some(asked.cursor.as_str()).filter(|cursor| !cursor.is_empty());
    let place = cursor::read("creators", cursor)?;
    let after = place.as_deref().and_then(|place| place.split_once(BETWEEN));
    let table = asked.table.trim().to_owned();
    let search = asked.q.trim().to_owned();
    let query = CreatorQuery {
        table: (!table.is_empty()).then(|| table.clone()),
        text: (!search.is_empty()).then(|| search.chars().take(200).collect()),
        after: after.map(|(table, key)| (table.to_owned(), key.to_owned())),
        limit: A_PAGE + 1,
    };
    let mut creators = engine.store().creators(&query).await?;
    let more = creators.len() > A_PAGE;
    creators.truncate(A_PAGE);
    let last = creators.last().filter(|_| more);
    let next = last.map(|last| cursor::write("creators", &format!("{}{BETWEEN}{}", last.table, last.key)));
    let mut jobs = BTreeMap::new();
    for id in creators.iter().map(|creator| creator.job).collect::<BTreeSet<_>>() {
        jobs.extend(engine.store().job(id).await?.map(|job| (id, job.name)));
    }
    Ok(View { table, search, first: cursor.is_none(), creators, jobs, next })
}

/// The page.
#[must_use]
pub(crate) fn render(view: &View) -> Markup {
    html! {
        h1 { "Creators" }
        p.lead { "What jobs have added, in one transaction with the row it came from. Deleting a job keeps its creators." }
        div.filters {
            form.search role="search" method="get" action="/creators" {
                @if !view.table.is_empty() { input type="hidden" name="table" value=(view.table); }
                label.vh for="q" { "Search creators by key" }
                input #q type="search" name="q" maxlength="200" placeholder="Search by key" value=(view.search) autocomplete="off";
                button.small type="submit" { (icon("search")) span.vh { "Search" } }
            }
            form.jump method="get" action="/creators" {
                @if !view.search.is_empty() { input type="hidden" name="q" value=(view.search); }
                label for="table" { "List" }
                input #table type="text" name="table" maxlength="48" size="12" value=(view.table) placeholder="all" autocomplete="off";
                button.small type="submit" { "Show" }
            }
        }
        @if view.creators.is_empty() { (nothing(view)) } @else { (listing(view)) }
        nav.pages aria-label="Pages of creators" {
            @if !view.first { a.btn href=(href(view, None)) { "First page" } }
            @if let Some(next) = &view.next { a.btn rel="next" href=(href(view, Some(next))) { "More" (icon("chevron-right")) } }
        }
        @if !view.creators.is_empty() {
            div.under { span {} p.exports { span.quiet { "All of these as" }
                a href=(export(view, "csv")) download { (icon("download")) "CSV" }
                a href=(export(view, "ndjson")) download { (icon("download")) "NDJSON" }
            } }
        }
    }
}

fn listing(view: &View) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Creators" { table.rows {
            thead { tr { th scope="col" { "Key" } th scope="col" { "List" } th scope="col" { "Columns" } th scope="col" { "From" } th scope="col" { "Added" } } }
            tbody { @for creator in &view.creators { tr {
                th scope="row" { (creator.key) }
                td.nowrap { (creator.table) }
                td.data { (short(&creator.data)) }
                td { @match view.jobs.get(&creator.job) {
                    // Another file was attached since, without this row.
                    Some(name) if creator.row.0 >= GONE_FROM => { (name) ", " span.quiet { "a row that is gone" } },
                    Some(name) => a href={ "/jobs/" (creator.job) "/rows/" (creator.row.row()) } { (name) ", row " (count(creator.row.row())) },
                    None => span.quiet { "a job that was deleted, row " (count(creator.row.row())) },
                } }
                td.nowrap { (moment(creator.added_at)) }
            } } }
        } }
    }
}

fn nothing(view: &View) -> Markup {
    html! {
        div.empty {
            @if view.search.is_empty() && view.table.is_empty() {
                h2 { "No creator yet" }
                p { "A job of the kind " code { "creators" } " adds them, row by row." }
                p { a.btn.resume href="/jobs/new" { (icon("plus")) "New job" } }
            } @else {
                h2 { "No creator matches" }
                p { a href="/creators" { "Show all" } }
            }
        }
    }
}

fn pairs(view: &View) -> Vec<String> {
    let mut pairs = Vec::new();
    if !view.table.is_empty() {
        pairs.push(format!("table={}", encoded(&view.table)));
    }
    if !view.search.is_empty() {
        pairs.push(format!("q={}", encoded(&view.search)));
    }
    pairs
}

fn href(view: &View, cursor: Option<&str>) -> String {
    let mut pairs = pairs(view);
    pairs.extend(cursor.map(|cursor| format!("cursor={cursor}")));
    if pairs.is_empty() { "/creators".to_owned() } else { format!("/creators?{}", pairs.join("&")) }
}

fn export(view: &View, format: &str) -> String {
    let mut pairs = pairs(view);
    pairs.push(format!("format={format}"));
    format!("/api/v1/creators/export?{}", pairs.join("&"))
}

fn short(data: &str) -> String {
    let mut text: String = data.chars().take(MOST_DATA_CHARS).collect();
    if text.len() < data.len() {
        text.push('…');
    }
    text
}
