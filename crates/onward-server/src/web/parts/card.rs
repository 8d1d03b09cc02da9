//! A job's card on the main page. Scripts fetch it anew when the job changes its state.

use maud::{Markup, html};
use onward_core::row::Outcome;
use onward_core::state::{JobState, Step};
use onward_engine::Snapshot;

use crate::web::format::count;
use crate::web::parts::actions::{Place, actions};
use crate::web::parts::badge::{Look, badge, icon};
use crate::web::parts::bar::{bar, percent, sentence};
use crate::web::parts::facts::facts;
use crate::web::parts::spark::sparkline;

/// The card.
#[must_use]
pub(crate) fn card(snapshot: &Snapshot) -> Markup {
    job_article(snapshot, Place::Card)
}

/// The same article for both places: the job's own page names the job in its heading.
#[must_use]
pub(crate) fn job_article(snapshot: &Snapshot, place: Place) -> Markup {
    let job = &snapshot.job;
    let label = format!("name-{}", job.id);
    html! {
        article.job.{ "is-" (Look::of(snapshot).class()) } id={ "job-" (job.id) } data-job=(job.id)
            data-status=(job.state.word()) data-stuck=[snapshot.stuck.as_ref().map(stuck_word)]
            data-actions=(words(job.allowed_actions())) data-attempt=(job.attempt) data-name=(job.name)
            data-processed=(job.tally.processed()) data-failed=(job.tally.failed) data-next=(job.resume_from_row().unwrap_or(job.total))
            data-percent=(percent(&job.tally, job.total)) tabindex="-1" aria-labelledby=(label) {
            div.head {
                @match place {
                    Place::Card => h3 { a id=(label) href={ "/jobs/" (job.id) } { (job.name) } (badge(snapshot)) },
                    Place::JobPage => h1 { span id=(label) { (job.name) } (badge(snapshot)) },
                }
                (facts(snapshot))
            }
            (actions(snapshot, place))
            (bar(&job.tally, job.total, &label))
            div.sums {
                p.progress { b data-bind="progress" { (sentence(&job.tally, job.total)) }
                    span.percent data-bind="percent" { (percent(&job.tally, job.total)) " %" }
                    @if job.state == JobState::Running { (sparkline(&snapshot.pace)) } }
                (counts(snapshot))
            }
        }
    }
}

/// The four counts, each a link to its rows.
fn counts(snapshot: &Snapshot) -> Markup {
    let job = &snapshot.job;
    html! {
        ul.counts {
            @for outcome in Outcome::ALL {
                li { a class=(outcome.word()) href={ "/jobs/" (job.id) "/rows?outcome=" (outcome.word()) } {
                    (icon(outcome_icon(outcome)))
                    b data-bind=(outcome.word()) { (count(job.tally.of(outcome))) } " " (outcome.word())
                } }
            }
        }
    }
}

/// The icon of an outcome.
#[must_use]
pub(crate) fn outcome_icon(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Added => "circle-check",
        Outcome::Failed => "circle-x",
        Outcome::Skipped => "skip-forward",
        Outcome::Filtered => "funnel",
    }
}

fn words(actions: &[Step]) -> String {
    actions.iter().map(|action| action.word()).collect::<Vec<_>>().join(" ")
}

fn stuck_word(stuck: &onward_core::stuck::Stuck) -> &'static str {
    use onward_core::stuck::StuckReason;
    match stuck.reason {
        StuckReason::WorkerLost => "worker-lost",
        StuckReason::NoProgress => "no-progress",
        StuckReason::RowHanging => "row-hanging",
    }
}
