//! The rows of a job in doubt, with what a person can say about them.

use maud::{Markup, html};
use onward_core::clock::UnixMs;
use onward_core::doubt::Stand;
use onward_core::id::JobId;
use onward_core::job::Job;
use onward_engine::handle::DoubtDetail;

use crate::web::format::{Relative, count, relative, rows as rows_of};

/// Rows shown; the rest is counted and can be had from the API.
pub(crate) const SHOWN: usize = 20;

/// The panel; nothing when no row is in doubt.
#[must_use]
pub(crate) fn doubts(job: &Job, rows: &[DoubtDetail], now: UnixMs) -> Markup {
    let (job, all) = (job.id, job.in_doubt);
    let held = rows.iter().filter(|row| row.doubt.stand == Stand::Held).count();
    html! {
        @if !rows.is_empty() {
            section.panel #in-doubt {
                h2 { "In doubt: " (rows_of(all, "")) }
                p.hint {
                    "Their worker stopped or was lost while these rows were in flight: their calls may have happened."
                    @if held > 0 { " Look them up where they would have arrived, and say what is so." }
                    @else { " They are called again under the same key." }
                }
                form method="post" action={ "/jobs/" (job) "/in-doubt" } {
                    // Without a row it would mean all of them, which is not what was pressed.
                    input type="hidden" name="scope" value="chosen";
                    ul.plain {
                        @for row in rows.iter().take(SHOWN) { li { (line(job, row, now)) } }
                    }
                    @if rows.len() > SHOWN { p.hint { "The first " (SHOWN) ": " a href={ "/api/v1/jobs/" (job) "/in-doubt" } { "all of them" } } }
                    @if held > 0 {
                        p {
                            button.btn name="answer" value="done" { "The chosen are done" } " "
                            button.btn name="answer" value="again" { "Call the chosen again" }
                        }
                    }
                }
            }
        }
    }
}

fn line(job: JobId, row: &DoubtDetail, now: UnixMs) -> Markup {
    let number = row.doubt.row.row();
    html! {
        label {
            @if row.doubt.stand == Stand::Held { input type="checkbox" name="rows" value=(number); " " }
            a href={ "/jobs/" (job) "/rows/" (number) } { "row " (count(number)) }
            " " (row.key) ", " (relative(row.doubt.since, now, Relative::Ago))
            @match row.doubt.stand {
                Stand::Held => { ", waits for you" }
                Stand::Again => { ", is called again" }
                Stand::Done => { ", done as you said" }
            }
            @if row.doubt.deaths > 1 { ", in flight at " (row.doubt.deaths) " deaths of a process" }
        }
    }
}
