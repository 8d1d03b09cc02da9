//! One row: what it was, what was asked for it, and what came of it.

use maud::{Markup, html};
use onward_core::id::{JobId, RowIndex};
use onward_core::problem::Code;
use onward_core::row::Outcome;
use onward_core::state::{Step, step};
use onward_core::store::LedgerRow;
use onward_engine::{Engine, RowLook, Snapshot};

use crate::problem::{Failure, Result};
use crate::web::format::{count, moment, took};
use crate::web::parts::badge::icon;
use crate::web::parts::card::outcome_icon;
use crate::web::parts::rows::why;
use crate::web::request::{self, Request};

/// What the page shows.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// The job.
    pub(crate) snapshot: Snapshot,
    /// The row.
    pub(crate) row: RowLook,
}

/// Reads what the page shows.
pub(crate) async fn read(engine: &Engine, id: JobId, row: &str) -> Result<View> {
    let snapshot = engine.job(id).await?;
    let index = row.parse().ok().and_then(RowIndex::from_row);
    let look = match index {
        Some(index) => engine.row(&snapshot.job, index).await?,
        None => None,
    };
    let total = snapshot.job.total;
    let row =
        look.ok_or_else(|| Failure::new(Code::NotFound, format!("the rows of this job are 1 to {total}")))?;
    Ok(View { snapshot, row })
}

/// The page.
#[must_use]
pub(crate) fn render(view: &View) -> Markup {
    let job = &view.snapshot.job;
    html! {
        p.crumbs {
            a href="/" { "Jobs" } " / " a href={ "/jobs/" (job.id) } { (job.name) } " / "
            a href={ "/jobs/" (job.id) "/rows?from=" (view.row.index.row()) } { "Rows" }
            " / " (count(view.row.index.row()))
        }
        div.panel #row-detail { (detail(view)) }
    }
}

fn detail(view: &View) -> Markup {
    let (job, row) = (&view.snapshot.job, &view.row);
    let number = row.index.row();
    let to = |row: u64| format!("/jobs/{}/rows/{row}", job.id);
    html! {
        header.row-head {
            h1 #row-title tabindex="-1" { "Row " (count(number)) }
            @if let Some(record) = &row.ledger { span.outcome.(record.outcome.word()) { (icon(outcome_icon(record.outcome))) (record.outcome) } }
            @else { span.outcome.quiet { (icon("clock")) "not done yet" } }
            nav aria-label="Neighbouring rows" {
                @if number > 1 { a.btn.small data-row=(number - 1) href=(to(number - 1)) { (icon("chevron-left")) span.vh { "Row " (number - 1) } } }
                @if number < job.total { a.btn.small data-row=(number + 1) href=(to(number + 1)) { span.vh { "Row " (number + 1) } (icon("chevron-right")) } }
            }
        }
        @if let Some(record) = &row.ledger {
            p.verdict { (why(record)) @if record.message == record.outcome.word() { "It was " (record.outcome) "." } }
            (facts(record, row.line))
            (act(view, record))
        } @else { p.hint { "It has no outcome yet" @if let Some(line) = row.line { "; it begins on line " (count(line)) " of the file" } "." } }
        h2 { "Input" }
        @if row.fields.is_empty() { p.hint { "The CSV of this job is gone, so its columns cannot be shown." } }
        @else { dl.pairs.input { @for (name, value) in &row.fields { div { dt { (name) } dd { @if value.is_empty() { span.quiet { "empty" } } @else { (value) } } } } } }
        @if let Some(request) = request::of(job, row) { (call(&request)) }
        @if let Some(record) = &row.ledger { (result(record)) }
        @if !row.history.is_empty() { (history(&row.history)) }
    }
}

fn facts(record: &LedgerRow, line: Option<u64>) -> Markup {
    html! {
        dl.pairs {
            div { dt { "Key" } dd { @if record.key.is_empty() { span.quiet { "none" } } @else { code { (record.key) } } } }
            div { dt { "Tries" } dd { @if record.tries == 0 { "decided without a call" } @else { (record.tries) ", " (took(record.duration_ms)) " in all" } } }
            div { dt { "At" } dd { (moment(record.finished_at)) } }
            div { dt { "Generation, epoch" } dd { (record.generation) ", " (record.epoch) } }
            @if let Some(line) = line { div { dt { "Line of the file" } dd { (count(line)) } } }
        }
    }
}

fn act(view: &View, record: &LedgerRow) -> Markup {
    let job = &view.snapshot.job;
    let legal = step(job.state, Step::Retry).is_some() && job.input.available;
    html! {
        @if record.outcome != Outcome::Added {
            @if legal {
                form.act-line method="post" action={ "/jobs/" (job.id) "/retry" } {
                    input type="hidden" name="outcome" value=(record.outcome.word());
                    input type="hidden" name="scope" value="chosen";
                    input type="hidden" name="rows" value=(record.index.row());
                    button type="submit" { (icon("rotate-ccw")) "Retry this row" }
                }
            } @else { p.hint { "It can be tried again when the job is at rest." } }
        }
    }
}

fn call(request: &Request) -> Markup {
    html! {
        h2 { "Request" }
        p.hint { "As the recipe makes it today. Secrets are named, never shown." }
        pre tabindex="0" aria-label="Request" { code {
            (request.line)
            @for (name, value) in &request.headers { "\n" (name) ": " (value) }
            @if let Some(body) = &request.body { "\n\n" (body) }
        } }
        details.copy {
            summary { "As a command for a shell" }
            pre #shell tabindex="0" aria-label="Command" { code { (request.shell) } }
        }
        p { button.small type="button" hidden data-copy="#shell" data-done="Copied" { (icon("copy")) span.label { "Copy as curl" } } }
    }
}

fn result(record: &LedgerRow) -> Markup {
    html! {
        @if let Some(result) = &record.result {
            h2 { "Response" }
            p.hint { "What the work gave back and the ledger keeps." }
            pre tabindex="0" aria-label="Response" { code { (pretty(result)) } }
        }
    }
}

fn history(records: &[LedgerRow]) -> Markup {
    html! {
        h2 { "Before it was tried again" }
        ol.attempts {
            @for record in records {
                li {
                    span.outcome.(record.outcome.word()) { (icon(outcome_icon(record.outcome))) (record.outcome) } " "
                    (why(record))
                    span.quiet { " · generation " (record.generation) ", " (record.tries) " tries, " (moment(record.finished_at)) }
                }
            }
        }
    }
}

/// JSON over several lines; anything else as it is.
fn pretty(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| text.to_owned())
}
