//! The buttons of a job: forms that work without scripts, made from its `allowed_actions` alone.

use maud::{Markup, html};
use onward_core::state::Step;
use onward_engine::Snapshot;

use crate::web::format::{count, rows};
use crate::web::parts::badge::{Look, icon};

/// Rows that "do a few and ask" does: enough to see a pattern, few enough to undo by hand.
const FIRST_ROWS: u64 = 10;

/// Where the buttons stand: a card has only those of its state, a job's own page has all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On a card of the main page.
    Card,
    /// On the page of the job.
    JobPage,
}

/// The buttons of a job.
#[must_use]
pub(crate) fn actions(snapshot: &Snapshot, place: Place) -> Markup {
    let job = &snapshot.job;
    html! {
        div.acts {
            @for action in job.allowed_actions() {
                @if let Some(button) = Button::of(*action, snapshot, place) {
                    (button.form(snapshot))
                }
                @if (*action, place) == (Step::Resume, Place::JobPage) && job.resume_from_row().is_some() { (first_rows(snapshot)) }
            }
            @if Look::of(snapshot) == Look::FileMissing {
                a.btn data-action="attach" href={ "/jobs/" (job.id) "/attach" } {
                    (icon("upload")) "Attach the file again" span.vh { " to " (job.name) }
                }
            }
            @if place == Place::Card {
                a.btn.details data-action="details" href={ "/jobs/" (job.id) } {
                    (icon("eye")) "Show Details" span.vh { " of " (job.name) }
                }
            }
        }
    }
}

/// Do a few rows and ask: the careful way to go on after a correction.
fn first_rows(snapshot: &Snapshot) -> Markup {
    let job = &snapshot.job;
    html! {
        form.act data-act="resume" method="post" action=(format!("/jobs/{}/resume", job.id)) {
            input type="hidden" name="first" value=(FIRST_ROWS);
            button.plain type="submit" data-action="resume-first" data-job=(job.id) data-busy="Resuming…" {
                (icon("play")) span.label { "Do " (FIRST_ROWS) " rows and ask" } span.vh { " " (job.name) }
            }
        }
    }
}

/// What is asked before an action that interrupts work that goes well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    /// As a question.
    pub(crate) title: &'static str,
    /// What will happen; `{saved}` and `{next}` stand for counts that change while it is shown.
    pub(crate) text: &'static str,
    /// The label that does it.
    pub(crate) yes: &'static str,
    /// The label that does not; it has the focus.
    pub(crate) no: &'static str,
}

impl Question {
    /// The question for this action on this job, if one is asked.
    #[must_use]
    pub(crate) fn of(action: Step, snapshot: &Snapshot) -> Option<Self> {
        match action {
            Step::ForceCancel => Some(Self {
                title: "Cancel this job?",
                text: "Rows in hand are stopped. {saved}; you can resume from row {next}.",
                yes: "Cancel the job",
                no: "Keep it running",
            }),
            Step::Restart if snapshot.stuck.is_none() => Some(Self {
                title: "Restart a job that is making progress?",
                text: "The work is taken from its worker and goes on from row {next}. {saved}; only \
                       the rows in hand are called again.",
                yes: "Restart it",
                no: "Leave it running",
            }),
            Step::Restart
            | Step::Start
            | Step::Resume
            | Step::Pause
            | Step::Retry
            | Step::Complete
            | Step::Fail => None,
        }
    }

    /// The text with the counts of this job.
    #[must_use]
    pub(crate) fn filled(&self, snapshot: &Snapshot) -> String {
        let job = &snapshot.job;
        let processed = job.tally.processed();
        let saved =
            if processed == 1 { "1 row is saved".to_owned() } else { rows(processed, "") + " are saved" };
        let next = job.resume_from_row().unwrap_or(job.total);
        self.text.replace("{saved}", &saved).replace("{next}", &count(next))
    }
}

/// One button.
struct Button {
    action: Step,
    class: &'static str,
    sign: &'static str,
    label: String,
    busy: &'static str,
}

impl Button {
    fn of(action: Step, snapshot: &Snapshot, place: Place) -> Option<Self> {
        let button = |class, sign, label: &str, busy| {
            Some(Self { action, class, sign, label: label.to_owned(), busy })
        };
        match (action, place) {
            (Step::Resume, Place::Card | Place::JobPage) => {
                button("resume", "play", &resume_label(snapshot), "Resuming…")
            }
            (Step::Restart, Place::Card | Place::JobPage) => {
                button("restart", "refresh-cw", "Restart", "Restarting…")
            }
            (Step::ForceCancel, Place::Card | Place::JobPage) => {
                button("cancel", "pause", "Cancel", "Cancelling…")
            }
            (Step::Pause, Place::JobPage) => button("plain", "clock", "Pause", "Pausing…"),
            (Step::Retry, Place::JobPage) => {
                let label = format!("Retry {}", rows(snapshot.job.tally.failed, "failed"));
                button("plain", "rotate-ccw", &label, "Retrying…")
            }
            (Step::Pause | Step::Retry, Place::Card)
            | (Step::Start | Step::Complete | Step::Fail, Place::Card | Place::JobPage) => None,
        }
    }

    fn form(&self, snapshot: &Snapshot) -> Markup {
        let job = &snapshot.job;
        let word = self.action.word();
        let question = Question::of(self.action, snapshot);
        let asks = question.is_some();
        html! {
            form.act data-act=(word) data-asks[asks] data-title=[question.as_ref().map(|q| q.title)]
                data-text=[question.as_ref().map(|q| q.text)] data-yes=[question.as_ref().map(|q| q.yes)]
                data-no=[question.as_ref().map(|q| q.no)] method=(if asks { "get" } else { "post" })
                action=(if asks { format!("/jobs/{}/confirm", job.id) } else { format!("/jobs/{}/{word}", job.id) }) {
                @if asks { input type="hidden" name="action" value=(word); }
                @if self.action == Step::Retry { input type="hidden" name="outcome" value="failed"; }
                button type="submit" class=(self.class) data-action=(word) data-job=(job.id) data-busy=(self.busy) {
                    (icon(self.sign)) span.label { (self.label) } span.vh { " " (job.name) }
                }
            }
        }
    }
}

/// `Resume from row 229`: the exact position is the point of the button.
fn resume_label(snapshot: &Snapshot) -> String {
    match snapshot.job.resume_from_row() {
        Some(row) => format!("Resume from row {}", count(row)),
        None => "Resume".to_owned(),
    }
}
