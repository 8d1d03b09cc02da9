//! The table of rows with what became of each; every row leads to its own page.

use maud::{Markup, html};
use onward_core::id::JobId;
use onward_core::store::LedgerRow;

use crate::web::format::{clock_time, count, took};
use crate::web::parts::badge::icon;
use crate::web::parts::card::outcome_icon;

/// Whether rows can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// They cannot.
    No,
    /// To be tried again.
    Retry,
}

/// The table.
#[must_use]
pub(crate) fn table(job: JobId, rows: &[LedgerRow], choice: Choice) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Rows" {
            table.rows {
                thead { tr {
                    @if choice == Choice::Retry { th.pick scope="col" { span.vh { "Choose" } } }
                    th.num scope="col" { "Row" } th scope="col" { "Key" } th scope="col" { "Outcome" }
                    th scope="col" { "Why" } th.num scope="col" { "Tries" } th.num scope="col" { "Took" }
                    th.num scope="col" { "At, UTC" }
                } }
                tbody { @for row in rows { (line(job, row, choice)) } }
            }
        }
    }
}

fn line(job: JobId, row: &LedgerRow, choice: Choice) -> Markup {
    let number = row.index.row();
    html! {
        tr id={ "row-" (number) } {
            @if choice == Choice::Retry {
                td.pick { input type="checkbox" name="rows" value=(number) aria-label={ "Choose row " (count(number)) }; }
            }
            th.num scope="row" { a href={ "/jobs/" (job) "/rows/" (number) } data-row=(number) { (count(number)) } }
            td.key { (row.key) }
            td { span.outcome.(row.outcome.word()) { (icon(outcome_icon(row.outcome))) (row.outcome) } }
            td.why { (why(row)) }
            td.num { @if row.tries > 0 { (row.tries) } @else { "–" } }
            td.num { @if row.tries > 0 { (took(row.duration_ms)) } @else { "–" } }
            td.num { (clock_time(row.finished_at)) }
        }
    }
}

/// The code and the sentence, where they say more than the outcome does.
#[must_use]
pub(crate) fn why(row: &LedgerRow) -> Markup {
    let outcome = row.outcome.word();
    html! {
        @if row.message != outcome { (row.message) " " }
        @if row.code != outcome { code.code { (row.code) } }
    }
}
