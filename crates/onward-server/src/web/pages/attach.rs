//! Another file for a job: chosen, compared, attached. Three steps of one form, which needs no scripts.

use maud::{Markup, html};
use onward_core::problem::Problem;
use onward_core::state::attached;
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
    Compared(Box<AttachedView>),
    /// It was refused.
    Refused(Problem),
}

/// The page.
#[must_use]
pub(crate) fn render(snapshot: &Snapshot, chosen: &Chosen) -> Markup {
    let job = &snapshot.job;
    let path = format!("/jobs/{}/attach", job.id);
    let stands_still = attached(job.state, false).is_some();
    html! {
        h1 { "Attach a file to " (job.name) }
        p.lead {
            "The file as you have edited it, or failed rows that you downloaded and corrected. Rows are known by their key, or by "
            code { "onward_row" } ": what is done stays done, wherever it now stands."
        }
        (outcome(chosen))
        form.panel method="post" action=(path) enctype="multipart/form-data" {
            div.field {
                label for="file" { @if matches!(chosen, Chosen::Compared(_)) { "The same file once more, to attach it" } @else { "A CSV from this machine" } }
                input #file type="file" name="file" required accept=".csv,.tsv,.txt,text/csv,text/tab-separated-values";
                @if !stands_still { p.hint { "While the job runs a file can be compared. Pause the job to attach it." } }
            }
            div.acts {
                button type="submit" formaction={ (path) "?dry_run=true" } { (icon("search")) "Compare" }
                @if stands_still { button.resume type="submit" { (icon("play")) "Attach" } }
                a.btn href={ "/jobs/" (job.id) } { "Back to the job" }
            }
        }
        h2 { "The job as it stands" }
        (card(snapshot))
    }
}

fn outcome(chosen: &Chosen) -> Markup {
    match chosen {
        Chosen::Nothing => html! {},
        Chosen::Refused(problem) => html! {
            div.panel role="alert" { h2 { (problem.code.title()) } p { (problem.detail) } }
        },
        Chosen::Compared(difference) => compared(difference),
    }
}

fn compared(difference: &AttachedView) -> Markup {
    let AttachedView { matched, changed, new, gone, moved, again, rows, .. } = difference;
    let facts = [
        ("The same", matched),
        ("With other fields", changed),
        ("New", new),
        ("Gone", gone),
        ("With another number", moved),
        ("Done again", again),
    ];
    html! {
        section.panel #difference role="status" {
            h2 { "How the file differs" }
            dl.pairs { @for (name, rows) in facts { div { dt { (name) } dd { (count(*rows)) } } } }
            @if !rows.is_empty() {
                div.scroll tabindex="0" role="region" aria-label="Rows that differ" { table.rows {
                    thead { tr { th scope="col" { "Row" } th scope="col" { "Key" } th scope="col" { "Is" } } }
                    tbody { @for row in rows { tr { th scope="row" { (count(row.row)) } td { (row.key) } td { (row.kind) } } } }
                } }
            }
            @if changed + new + gone > rows.len() as u64 { p.hint { "The first 20 of each kind." } }
        }
    }
}
