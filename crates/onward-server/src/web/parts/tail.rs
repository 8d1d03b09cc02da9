//! The last outcomes of a job, newest first.

use maud::{Markup, html};
use onward_core::id::JobId;
use onward_core::store::LedgerRow;

use crate::web::format::{clock_time, count, took};
use crate::web::parts::badge::icon;
use crate::web::parts::card::outcome_icon;
use crate::web::parts::rows::why;

/// The tail.
#[must_use]
pub(crate) fn tail(job: JobId, rows: &[LedgerRow]) -> Markup {
    html! {
        section.panel #tail {
            div.panel-head { h2 { "Last outcomes " span.quiet { "at, UTC" } } a href={ "/jobs/" (job) "/rows" } { "All rows" } }
            @if rows.is_empty() { p.hint { "Nothing has finished yet." } } @else {
                ol.tail tabindex="0" aria-label="Last outcomes, newest first" {
                    @for row in rows {
                        li {
                            span.at { (clock_time(row.finished_at)) }
                            span.outcome.(row.outcome.word()) { (icon(outcome_icon(row.outcome))) (row.outcome) }
                            a href={ "/jobs/" (job) "/rows/" (row.index.row()) } data-row=(row.index.row()) { "row " (count(row.index.row())) }
                            span.key { (row.key) }
                            span.why { (why(row)) }
                            @if row.tries > 0 { span.took { (took(row.duration_ms)) } }
                        }
                    }
                }
            }
        }
    }
}
