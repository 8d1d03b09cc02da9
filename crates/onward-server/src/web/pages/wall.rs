//! The wall: running jobs only, in big type, for a screen in the room.

use maud::{Markup, html};
use onward_core::state::JobState;
use onward_core::store::JobQuery;
use onward_engine::{Engine, Snapshot};

use crate::problem::Result;
use crate::web::parts::card::card;

/// Jobs on the wall: more cannot be read from across a room.
const MOST: usize = 12;

/// The running jobs.
pub(crate) async fn read(engine: &Engine) -> Result<Vec<Snapshot>> {
    let query = JobQuery { states: vec![JobState::Running], limit: MOST, ..JobQuery::default() };
    Ok(engine.jobs(&query).await?)
}

/// The page.
#[must_use]
pub(crate) fn render(jobs: &[Snapshot]) -> Markup {
    html! {
        h1 { @match jobs.len() { 0 => "Nothing is running", 1 => "1 job is running", many => { (many) " jobs are running" } } }
        @if !jobs.is_empty() { h2.vh { "Running" } }
        div #jobs .wall { @for job in jobs { (card(job)) } }
        @if jobs.is_empty() { div.empty { p { "The next job appears here by itself." } p { a.btn href="/" { "All jobs" } } } }
    }
}
