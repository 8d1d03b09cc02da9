//! Steering a job while it runs: its pace, its name. Plain forms; what they do is on the timeline.

use maud::{Markup, html};
use onward_core::state::JobState;
use onward_engine::Snapshot;

use crate::api::view::JobView;
use crate::web::format::count;
use crate::web::parts::badge::icon;

/// The form.
#[must_use]
pub(crate) fn steer(snapshot: &Snapshot, view: &JobView) -> Markup {
    let job = &snapshot.job;
    html! {
        section.panel #steer {
            h2 { "Steer" }
            form.steer method="post" action={ "/jobs/" (job.id) "/tune" } {
                div.field {
                    label for="rate" { "Calls per time, at most" }
                    input #rate name="rate" type="text" value=[view.rate.as_deref()] placeholder="no limit of ours" pattern="\\s*[0-9]+(\\.[0-9]+)?\\s*/\\s*[a-z]+\\s*" aria-describedby="rate-hint" autocomplete="off";
                    p.hint #rate-hint { "Such as 50/min or 10/s; empty means no limit of ours." }
                }
                div.field {
                    label for="concurrency" { "Calls at the same time" }
                    input #concurrency name="concurrency" type="number" min="1" max="10000" value=[view.concurrency] autocomplete="off";
                    p.hint { "Takes effect within a second." }
                }
                div.field {
                    label for="breaker" { "Pause after failures in a row" }
                    input #breaker name="breaker" type="number" min="0" max="10000" value=[view.breaker] autocomplete="off";
                    p.hint { "0 means never. A paused job tries one row by itself and goes on." }
                }
                div.acts { button type="submit" { (icon("settings")) "Apply" } }
            }
            @if let (Some(at), JobState::Queued | JobState::Running) = (view.hold_at, job.state) { p.hint { "Held once " (count(at)) " rows are done; then a person is asked." } }
        }
    }
}
