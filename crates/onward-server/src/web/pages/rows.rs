//! The rows of a job, whatever its size: by outcome, by reason, by search; pages both ways.

use maud::{Markup, html};
use onward_core::id::JobId;
use onward_core::row::Outcome;
use onward_core::state::{JobState, Step, step};
use onward_core::store::Group;
use onward_engine::{Engine, Snapshot};

use crate::problem::Result;
use crate::web::format::{count, rows};
use crate::web::parts::badge::{badge, icon};
use crate::web::parts::card::outcome_icon;
use crate::web::parts::rows::{Choice, table};
use crate::web::reasons::{self, Reasons};
use crate::web::rows_filter::{Asked, Place, RowsFilter};
use crate::web::rows_search::{self, Found};

/// Reasons offered as chips; the others are a search away.
const MOST_REASONS: usize = 8;

/// What the page shows.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// The job.
    pub(crate) snapshot: Snapshot,
    /// Which rows.
    pub(crate) filter: RowsFilter,
    /// Those of this page.
    pub(crate) found: Found,
    /// Reasons of the chosen outcome, most frequent first.
    pub(crate) groups: Vec<Group>,
}

/// Reads what the page shows.
pub(crate) async fn read(engine: &Engine, id: JobId, asked: &Asked) -> Result<View> {
    let snapshot = engine.job(id).await?;
    let filter = RowsFilter::read(asked)?;
    let store = engine.store();
    let found = rows_search::find(&**store, id, &filter).await?;
    let groups = match filter.outcome {
        Some(outcome @ (Outcome::Failed | Outcome::Skipped | Outcome::Filtered)) => {
            match reasons::read(engine, &snapshot, outcome).await? {
                Reasons::Known(groups) => groups,
                Reasons::TooMany => Vec::new(),
            }
        }
        Some(Outcome::Added) | None => Vec::new(),
    };
    Ok(View { snapshot, filter, found, groups })
}

/// The page.
#[must_use]
pub(crate) fn render(view: &View) -> Markup {
    let job = &view.snapshot.job;
    html! {
        p.crumbs { a href="/" { "Jobs" } " / " a href={ "/jobs/" (job.id) } { (job.name) } " / Rows" }
        div.title { h1 { "Rows" } (badge(&view.snapshot)) span.quiet { (count(job.tally.processed())) " of " (rows(job.total, "")) " done" } }
        (filters(view))
        @if view.found.rows.is_empty() { (nothing(view)) } @else { (listing(view)) }
        (pages(view))
        div.under {
            (jump(view))
            (exports(view))
        }
    }
}

fn filters(view: &View) -> Markup {
    let job = &view.snapshot.job;
    let filter = &view.filter;
    let chip = |outcome: Option<Outcome>, rows: u64| {
        let current = (filter.outcome == outcome && filter.code.is_none()).then_some("true");
        let word = outcome.map_or("all", Outcome::word);
        html! {
            a.chip.{ (word) } href=(filter.with(outcome, None).href(job.id)) aria-current=[current] {
                @if let Some(outcome) = outcome { (icon(outcome_icon(outcome))) }
                (word) " " span.n { (count(rows)) }
            }
        }
    };
    html! {
        div.filters {
            nav aria-label="Rows by outcome" {
                (chip(None, job.tally.processed()))
                @for outcome in [Outcome::Failed, Outcome::Added, Outcome::Skipped, Outcome::Filtered] {
                    (chip(Some(outcome), job.tally.of(outcome)))
                }
            }
            (search(view))
        }
        @if !view.groups.is_empty() || filter.code.is_some() {
            nav.reasons-nav aria-label="Rows by reason" { (codes(view)) }
        }
    }
}

fn search(view: &View) -> Markup {
    let filter = &view.filter;
    html! {
        form.search role="search" method="get" action={ "/jobs/" (view.snapshot.job.id) "/rows" } {
            @if let Some(outcome) = filter.outcome { input type="hidden" name="outcome" value=(outcome.word()); }
            @if let Some(code) = &filter.code { input type="hidden" name="code" value=(code); }
            label.vh for="q" { "Search rows by key or message" }
            input #q type="search" name="q" maxlength="200" placeholder="Search key or message" value=[filter.search.as_deref()] autocomplete="off";
            button.small type="submit" { (icon("search")) span.vh { "Search" } }
        }
    }
}

/// One chip per code: several sentences may stand behind one.
fn codes(view: &View) -> Markup {
    let (id, filter) = (view.snapshot.job.id, &view.filter);
    let mut codes: Vec<(&str, u64)> = Vec::new();
    for group in &view.groups {
        match codes.iter_mut().find(|(code, _)| *code == group.code) {
            Some((_, rows)) => *rows += group.count,
            None => codes.push((&group.code, group.count)),
        }
    }
    if let Some(code) = filter.code.as_deref().filter(|code| codes.iter().all(|(known, _)| known != code)) {
        codes.insert(0, (code, 0));
    }
    html! {
        span.quiet { "Reason" }
        @for (code, rows) in codes.into_iter().take(MOST_REASONS) {
            @let on = filter.code.as_deref() == Some(code);
            @let to = filter.with(filter.outcome, (!on).then_some(code));
            a.chip.small-chip href=(to.href(id)) aria-current=[on.then_some("true")] {
                code { (code) } @if rows > 0 { " " span.n { (count(rows)) } }
                @if on { " " (icon("x")) span.vh { "(show all reasons)" } }
            }
        }
    }
}

/// Rows that may be opened again are chosen in a form; others are only listed.
fn listing(view: &View) -> Markup {
    let job = &view.snapshot.job;
    let legal = step(job.state, Step::Retry).is_some() && job.input.available;
    let Some(outcome) = view.filter.outcome.filter(|outcome| legal && *outcome != Outcome::Added) else {
        return html! { (table(job.id, &view.found.rows, Choice::No)) @if let Some(why) = why_not(view) { p.hint { (why) } } };
    };
    let all = job.tally.of(outcome);
    let known = if view.filter.looks_inside() { None } else { Some(all) };
    html! {
        form #choice method="post" action={ "/jobs/" (job.id) "/retry" } {
            input type="hidden" name="outcome" value=(outcome.word());
            @if let Some(code) = &view.filter.code { input type="hidden" name="code" value=(code); }
            @if let Some(search) = &view.filter.search { input type="hidden" name="q" value=(search); }
            (table(job.id, &view.found.rows, Choice::Retry))
            div.choice {
                button type="submit" name="scope" value="chosen" data-one="Retry 1 row" data-many="Retry {n} rows" {
                    (icon("rotate-ccw")) span.label { "Retry the chosen rows" }
                }
                button.plain type="submit" name="scope" value="all" {
                    (icon("list")) span.label {
                        @match known { Some(all) => { "Retry all " (count(all)) " matching" }, None => { "Retry all matching" } }
                    }
                }
                span.hint { "In one step on the server, on every page: the totals stay one job's totals." }
            }
        }
    }
}

fn why_not(view: &View) -> Option<&'static str> {
    let job = &view.snapshot.job;
    match (view.filter.outcome, job.state) {
        (
            Some(Outcome::Failed | Outcome::Skipped | Outcome::Filtered),
            JobState::Running | JobState::Queued | JobState::Paused,
        ) => Some("Rows can be tried again when the job is at rest: completed, cancelled or failed."),
        _ => None,
    }
}

fn nothing(view: &View) -> Markup {
    let job = &view.snapshot.job;
    html! {
        div.empty {
            @if job.tally.processed() == 0 {
                h2 { "No row is done yet" }
                p { "Rows are listed here as soon as they have an outcome. " a href={ "/jobs/" (job.id) } { "See the job" } }
            } @else if let Some(stopped) = view.found.stopped_at {
                @let total = job.total;
                @let (so_far, looked) = match view.filter.place {
                    Place::From(_) => ("as far as", stopped.row()),
                    Place::Before(_) => ("back to", total.saturating_sub(stopped.row())),
                };
                h2 #search-state aria-live="polite" { "No match so far" }
                p #looked { "Looked " (so_far) " row " (count(stopped.row())) " of " (count(total)) "." }
                progress #searched hidden max=(total) value=(looked) aria-label="Rows looked at" {}
                p.acts { button #search-stop type="button" hidden { (icon("x")) "Stop searching" } }
            } @else {
                h2 { "No row matches" }
                p { a href={ "/jobs/" (job.id) "/rows" } { "Show all rows" } }
            }
        }
    }
}

fn pages(view: &View) -> Markup {
    let (id, filter, found) = (view.snapshot.job.id, &view.filter, &view.found);
    let to = |place: Place| filter.at(place).href(id);
    let stopped = found.stopped_at.is_some();
    let (back, on) = match filter.place {
        Place::From(_) => (false, stopped),
        Place::Before(_) => (stopped, false),
    };
    let says = |searches, usual| if searches { "Search on" } else { usual };
    html! {
        @if let (Some(stopped), false) = (found.stopped_at, found.rows.is_empty()) {
            p.hint role="status" { "Looked as far as row " (count(stopped.row())) " of " (count(view.snapshot.job.total)) "." }
        }
        nav.pages aria-label="Pages of rows" {
            @if let Some(earlier) = found.earlier { a.btn rel="prev" data-search-on[back] href=(to(earlier)) { (icon("chevron-left")) (says(back, "Earlier rows")) } }
            @if let Some(later) = found.later { a.btn rel="next" data-search-on[on] href=(to(later)) { (says(on, "Later rows")) (icon("chevron-right")) } }
        }
    }
}

fn jump(view: &View) -> Markup {
    let job = &view.snapshot.job;
    html! {
        form.jump method="get" action={ "/jobs/" (job.id) "/rows" } {
            @if let Some(outcome) = view.filter.outcome { input type="hidden" name="outcome" value=(outcome.word()); }
            label for="from" { "From row" }
            input #from type="text" name="from" inputmode="numeric" pattern="[0-9,]{1,13}" size="9" required placeholder={ "1 to " (count(job.total)) };
            button.small type="submit" { "Go" }
        }
    }
}

fn exports(view: &View) -> Markup {
    let id = view.snapshot.job.id;
    html! {
        p.exports {
            span.quiet { "These rows as" }
            a href=(view.filter.export(id, "csv")) download { (icon("download")) "CSV" }
            a href=(view.filter.export(id, "ndjson")) download { (icon("download")) "NDJSON" }
        }
    }
}
