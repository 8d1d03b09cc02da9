//! The table of rows with what became of each.

use maud::{Markup, html};
use onward_core::row::Outcome;
use onward_engine::handle::RowDetail;

use crate::web::format::{count, took};
use crate::web::pages::job::View;
use crate::web::parts::badge::icon;
use crate::web::parts::card::outcome_icon;

/// The rows, their filters and the way to the next page.
#[must_use]
pub(crate) fn rows_part(view: &View) -> Markup {
    let id = view.snapshot.job.id;
    html! {
        section.panel #rows {
            h2 { "Rows" }
            (filters(view))
            @if view.rows.is_empty() { p.hint { "No row matches." } } @else { (table(&view.rows)) }
            p.pages {
                @if view.filter.after.is_some() { a.btn href=(view.filter.first(id)) { "First rows" } }
                @if let Some(after) = view.next_after {
                    a.btn rel="next" href=(view.filter.following(id, after)) { "More rows" (icon("chevron-right")) }
                }
            }
        }
    }
}

fn filters(view: &View) -> Markup {
    let job = &view.snapshot.job;
    let chip = |outcome: Option<Outcome>, label: &str, rows: u64| {
        let current = (view.filter.outcome == outcome && view.filter.code.is_none()).then_some("true");
        html! { a.chip href=(view.filter.with(job.id, outcome)) aria-current=[current] { (label) " " span data-bind=(label) { (count(rows)) } } }
    };
    html! {
        div.filters {
            nav aria-label="Rows by outcome" {
                (chip(None, "all", job.tally.processed()))
                @for outcome in [Outcome::Failed, Outcome::Added, Outcome::Skipped, Outcome::Filtered] {
                    (chip(Some(outcome), outcome.word(), job.tally.of(outcome)))
                }
                @if let Some(code) = &view.filter.code { a.chip aria-current="true" href=(view.filter.with(job.id, view.filter.outcome)) { "code " (code) " " (icon("x")) span.vh { "(show all codes)" } } }
            }
            form.search role="search" method="get" action={ "/jobs/" (job.id) "#rows" } {
                input type="hidden" name="outcome" value=(view.filter.outcome.map_or("all", Outcome::word));
                label.vh for="q" { "Search rows by key or message" }
                input #q type="search" name="q" maxlength="200" placeholder="Search key or message" value=[view.filter.search.as_deref()] autocomplete="off";
                button.small type="submit" { (icon("search")) span.vh { "Search" } }
            }
        }
    }
}

fn table(rows: &[RowDetail]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Rows" {
            table {
                thead { tr {
                    th scope="col" { "Row" } th scope="col" { "Key" } th scope="col" { "Outcome" }
                    th scope="col" { "Why" } th.num scope="col" { "Tries" } th.num scope="col" { "Took" }
                } }
                tbody { @for row in rows { (line(row)) } }
            }
        }
    }
}

fn line(detail: &RowDetail) -> Markup {
    let row = &detail.ledger;
    html! {
        tr id={ "row-" (row.index.row()) } {
            th scope="row" title=[detail.line.map(|line| format!("line {line} of the file"))] { (count(row.index.row())) }
            td.key { (row.key) }
            td { span.outcome.(row.outcome.word()) { (icon(outcome_icon(row.outcome))) (row.outcome) } }
            td.why { @if row.code != row.outcome.word() { code { (row.code) } " " } @if row.message != row.outcome.word() { (row.message) } }
            td.num { (row.tries) }
            td.num { @if row.tries > 0 { (took(row.duration_ms)) } @else { "–" } }
        }
    }
}
