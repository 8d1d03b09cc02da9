//! Why rows failed: one line per reason, with how many and what can be done.

use maud::{Markup, html};
use onward_core::row::Outcome;
use onward_core::state::Step;
use onward_core::store::Group;
use onward_engine::Snapshot;

use crate::web::filter::encoded;
use crate::web::format::{count, rows};
use crate::web::parts::badge::icon;
use crate::web::reasons::Reasons;

/// Reasons shown; more than these means that messages differ in a number, and the table is better.
const MOST_REASONS: usize = 20;

/// The failed rows by reason; nothing when none failed.
#[must_use]
pub(crate) fn reasons(snapshot: &Snapshot, failed: &Reasons) -> Markup {
    let job = &snapshot.job;
    let offered = job.allowed_actions().contains(&Step::Retry);
    html! {
        section.panel #errors hidden[job.tally.failed == 0] {
            h2 { "Why " (rows(job.tally.failed, "")) " failed" }
            @if !offered && job.tally.failed > 0 { p.hint { "They can be retried when the job is completed." } }
            @match failed {
                Reasons::Known(groups) => { (list(snapshot, groups, offered)) },
                Reasons::TooMany => p {
                    "So many rows are grouped when you ask: "
                    a href={ "/jobs/" (job.id) "/errors" } { "group " (rows(job.tally.failed, "failed")) }
                },
            }
        }
    }
}

/// All groups of a job's failed rows, on a page of their own.
#[must_use]
pub(crate) fn page(snapshot: &Snapshot, groups: &[Group]) -> Markup {
    let job = &snapshot.job;
    html! {
        p.crumbs { a href="/" { "Jobs" } " / " a href={ "/jobs/" (job.id) } { (job.name) } " / Errors" }
        h1 { "Why " (rows(job.tally.failed, "")) " failed" }
        section.panel { (list(snapshot, groups, job.allowed_actions().contains(&Step::Retry))) }
    }
}

fn list(snapshot: &Snapshot, groups: &[Group], can_retry: bool) -> Markup {
    html! {
        ul.reasons {
            @for group in groups.iter().take(MOST_REASONS) { li { (reason(snapshot, groups, group, can_retry)) } }
        }
        @if groups.len() > MOST_REASONS { p.hint { "And " (groups.len() - MOST_REASONS) " more reasons; see the rows." } }
    }
}

fn reason(snapshot: &Snapshot, groups: &[Group], group: &Group, can_retry: bool) -> Markup {
    let job = &snapshot.job;
    let share = group.count.saturating_mul(100) / job.tally.failed.max(1);
    // A retry names a code, so a code that stands for several sentences is retried as a whole.
    let same: u64 = groups.iter().filter(|other| other.code == group.code).map(|other| other.count).sum();
    let rows_href =
        format!("/jobs/{}/rows?outcome={}&code={}", job.id, Outcome::Failed, encoded(&group.code));
    let export = format!("/api/v1/jobs/{}/export?outcome=failed&code={}", job.id, encoded(&group.code));
    html! {
        b.number { (count(group.count)) }
        div {
            p { (group.message) }
            p.quiet { code { (group.code) } " · " (share) " % of the failed rows · "
                @if group.count == 1 { "row " (count(group.first.row())) } @else { "rows " (count(group.first.row())) " to " (count(group.last.row())) } }
        }
        div.acts {
            @if can_retry {
                form.act data-act="retry" data-code=(group.code) method="post" action={ "/jobs/" (job.id) "/retry" } {
                    input type="hidden" name="outcome" value="failed";
                    input type="hidden" name="code" value=(group.code);
                    button.small type="submit" data-action="retry" data-job=(job.id) data-busy="Retrying…" {
                        (icon("rotate-ccw")) span.label { @if same == group.count { "Retry these" } @else { "Retry all " (count(same)) " " (group.code) } } span.vh { ": " (group.message) }
                    }
                }
            }
            a.btn.small href=(rows_href) { "Show rows" span.vh { ": " (group.message) } }
            a.btn.small href=(export) download { (icon("download")) span.vh { "Download the rows: " (group.message) } }
        }
    }
}
