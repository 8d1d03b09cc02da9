//! Why rows failed: one line per reason, with how many and what can be done.

use maud::{Markup, html};
use onward_core::state::Step;
use onward_core::store::Group;
use onward_engine::Snapshot;

use crate::web::filter::encoded;
use crate::web::format::{count, rows};
use crate::web::parts::badge::icon;

/// Reasons shown; more than these means that messages differ in a number, and the table is better.
const MOST_REASONS: usize = 20;

/// The failed rows by reason; nothing when none failed.
#[must_use]
pub(crate) fn reasons(snapshot: &Snapshot, groups: &[Group]) -> Markup {
    let job = &snapshot.job;
    let offered = job.allowed_actions().contains(&Step::Retry);
    html! {
        section.panel #errors hidden[job.tally.failed == 0] {
            h2 { "Why " (rows(job.tally.failed, "")) " failed" }
            @if !offered && job.tally.failed > 0 { p.hint { "They can be retried when the job is completed." } }
            ul.reasons {
                @for group in groups.iter().take(MOST_REASONS) { li { (reason(snapshot, group, offered)) } }
            }
            @if groups.len() > MOST_REASONS { p.hint { "And " (groups.len() - MOST_REASONS) " more reasons; see the rows." } }
        }
    }
}

fn reason(snapshot: &Snapshot, group: &Group, can_retry: bool) -> Markup {
    let job = &snapshot.job;
    let share = group.count.saturating_mul(100) / job.tally.failed.max(1);
    html! {
        b.number { (count(group.count)) }
        div {
            p { (group.message) }
            p.quiet { code { (group.code) } " · " (share) " % of the failed rows · "
                @if group.count == 1 { "row " (group.first.row()) } @else { "rows " (count(group.first.row())) " to " (count(group.last.row())) } }
        }
        div.acts {
            @if can_retry {
                form.act data-act="retry" data-code=(group.code) method="post" action={ "/jobs/" (job.id) "/retry" } {
                    input type="hidden" name="outcome" value="failed";
                    input type="hidden" name="code" value=(group.code);
                    button.small type="submit" data-action="retry" data-job=(job.id) data-busy="Retrying…" {
                        (icon("rotate-ccw")) span.label { "Retry these" } span.vh { ": " (group.message) }
                    }
                }
            }
            a.btn.small href={ "/jobs/" (job.id) "?outcome=failed&code=" (encoded(&group.code)) "#rows" } {
                "Show rows" span.vh { ": " (group.message) }
            }
        }
    }
}
