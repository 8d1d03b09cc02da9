//! Another file for a job: chosen, compared, attached. Each step is a form, which needs no scripts; the second
//! one names the file that was compared, so that it is chosen and sent once.

use maud::{Markup, html};
use onward_core::problem::Problem;
use onward_core::state::{Step, attached};
use onward_engine::Snapshot;

use crate::api::view::AttachedView;
use crate::web::format::count;
use crate::web::parts::badge::icon;
use crate::web::parts::card::card;

/// What became of the file that was chosen last.
#[derive(Debug, Clone)]
pub(crate) enum Chosen {
    /// None was.
    Nothing,
    /// It was compared.
    Compared {
        /// How it differs.
        difference: Box<AttachedView>,
        /// Its name.
        filename: Option<String>,
    },
    /// It was refused.
    Refused(Problem),
}

/// The page.
#[must_use]
pub(crate) fn render(snapshot: &Snapshot, chosen: &Chosen) -> Markup {
    let job = &snapshot.job;
    html! {
        h1 { "Attach a file to " (job.name) }
        @match chosen {
            Chosen::Nothing => { (lead()) (choose(snapshot, "A CSV from this machine")) }
            Chosen::Refused(problem) => {
                div.panel role="alert" { h2 { (problem.code.title()) } p { (problem.detail) } }
                (choose(snapshot, "A CSV from this machine"))
            }
            Chosen::Compared { difference, filename } => {
                (compared(snapshot, difference, filename.as_deref().unwrap_or("the file")))
                details.other { summary { "Compare another file" } (lead()) (choose(snapshot, "Another CSV from this machine")) }
            }
        }
        h2 { "The job as it stands" }
        (card(snapshot))
    }
}

fn lead() -> Markup {
    html! {
        p.lead {
            "The file as you have edited it, or failed rows that you downloaded and corrected. Rows are known by their key, or by "
            code { "onward_row" } ": what is done stays done, wherever it now stands."
        }
    }
}

/// The first step. Nothing changes by it.
fn choose(snapshot: &Snapshot, label: &str) -> Markup {
    let job = snapshot.job.id;
    html! {
        form.panel method="post" action={ "/jobs/" (job) "/attach?dry_run=true" } enctype="multipart/form-data" {
            div.field {
                label for="file" { (label) }
                input #file type="file" name="file" required accept=".csv,.tsv,.txt,text/csv,text/tab-separated-values";
                p.hint { "It is compared with the job first. Nothing changes before you have seen how it differs." }
            }
            div.acts {
                button.resume type="submit" { (icon("search")) "Compare" }
                a.btn href={ "/jobs/" (job) } { "Back to the job" }
            }
        }
    }
}

/// The second step: what was compared is attached by its id.
fn compared(snapshot: &Snapshot, difference: &AttachedView, filename: &str) -> Markup {
    let AttachedView { matched, changed, new, gone, moved, again, rows, compared, .. } = difference;
    let job = &snapshot.job;
    let stands_still = attached(job.state, false).is_some();
    let facts = [
        ("The same", matched),
        ("With other fields", changed),
        ("New", new),
        ("Gone", gone),
        ("With another number", moved),
        ("Done again", again),
    ];
    html! {
        section.panel #difference aria-labelledby="differs" {
            h2 #differs { "How " (filename) " differs" }
            dl.differs { @for (name, rows) in facts { div.none[*rows == 0] { dt { (name) } dd { (count(*rows)) } } } }
            @if !rows.is_empty() {
                div.scroll tabindex="0" role="region" aria-label="Rows that differ" { table.rows {
                    thead { tr { th scope="col" { "Row" } th scope="col" { "Key" } th scope="col" { "Is" } } }
                    tbody { @for row in rows { tr { th scope="row" { (count(row.row)) } td { (row.key) } td { (row.kind) } } } }
                } }
                @if changed + new + gone > rows.len() as u64 { p.hint { "The first 20 of each kind." } }
            }
            @if let Some(kept) = compared {
                @if stands_still {
                    p.hint { "Nothing has been changed yet. The file is kept for 45 minutes." }
                    div.acts {
                        form method="post" action={ "/jobs/" (job.id) "/attach?compared=" (kept) } {
                            button.resume type="submit" { (icon("play")) "Attach " (filename) }
                        }
                        a.btn href={ "/jobs/" (job.id) } { "Back to the job" }
                    }
                } @else {
                    p.hint { "A file is attached to a job that stands still. Pause this one, and then attach what you have compared: the file is kept for 45 minutes." }
                    div.acts {
                        @if job.allowed_actions().contains(&Step::Pause) {
                            form method="post" action={ "/jobs/" (job.id) "/pause" } { button type="submit" { (icon("clock")) "Pause the job" } }
                        }
                        a.btn href={ "/jobs/" (job.id) "/attach?compared=" (kept) } { (icon("refresh-cw")) "Look again" }
                        a.btn href={ "/jobs/" (job.id) } { "Back to the job" }
                    }
                }
            } @else {
                p { "This file is attached to the job already." }
                div.acts { a.btn href={ "/jobs/" (job.id) } { "Back to the job" } }
            }
        }
    }
}
