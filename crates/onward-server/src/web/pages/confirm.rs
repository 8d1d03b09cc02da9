//! The question before an action that interrupts work that goes well, for browsers without scripts.

use maud::{Markup, html};
use onward_core::state::Step;
use onward_engine::Snapshot;

use crate::web::parts::actions::Question;
use crate::web::parts::badge::icon;
use crate::web::parts::card::card;

/// The page. An action that needs no question gets its button all the same.
#[must_use]
pub(crate) fn render(snapshot: &Snapshot, action: Step) -> Markup {
    let id = snapshot.job.id;
    let question = Question::of(action, snapshot).unwrap_or(Question {
        title: "Go on?",
        text: "{saved}; the job goes on from row {next}.",
        yes: "Go on",
        no: "Leave it as it is",
    });
    let (class, sign) = match action {
        Step::ForceCancel => ("cancel", "pause"),
        Step::Restart => ("restart", "refresh-cw"),
        Step::Start | Step::Resume | Step::Pause | Step::Retry | Step::Complete | Step::Fail => {
            ("plain", "play")
        }
    };
    html! {
        div.ask {
            h1 { (question.title) }
            p { (question.filled(snapshot)) }
            div.acts {
                a.btn href={ "/jobs/" (id) } autofocus { (question.no) }
                form method="post" action={ "/jobs/" (id) "/" (action.word()) } {
                    @if action == Step::Restart { input type="hidden" name="force" value="true"; }
                    button class=(class) type="submit" { (icon(sign)) (question.yes) }
                }
            }
        }
        (card(snapshot))
    }
}
