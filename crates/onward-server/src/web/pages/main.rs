//! The main page: Active & Recent Job Progress.

use crate::problem::Result;
use maud::{Markup, html};
use onward_core::state::JobState;
use onward_core::store::{JobQuery, Sums, Totals};
use onward_engine::{Engine, Snapshot};

use crate::clock;
use crate::state::App;
use crate::web::filter::{Filter, Which, needs_attention, today_from};
use crate::web::format::{count, whole};
use crate::web::parts::badge::icon;
use crate::web::parts::card::card;

/// Active jobs on the first page: more than a person looks at; the rest is behind the filter.
const MOST_ACTIVE: usize = 50;
/// Recent jobs a page: with the active ones about four screens, and under 30 KB.
const RECENT_A_PAGE: usize = 20;
/// Jobs read to fill a page of a filter the store does not know.
const MOST_SCANNED: usize = 500;

/// What the main page shows.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// As asked.
    pub(crate) filter: Filter,
    /// Queued, running and paused ones.
    pub(crate) active: Vec<Snapshot>,
    /// The others.
    pub(crate) recent: Vec<Snapshot>,
    /// The page before.
    pub(crate) newer: Option<String>,
    /// The page after.
    pub(crate) older: Option<String>,
    /// The tiles.
    pub(crate) summary: Summary,
}

/// The figures over all jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Summary {
    /// Jobs that run.
    pub(crate) running: u64,
    /// Jobs that failed.
    pub(crate) failed: u64,
    /// Jobs that are paused.
    pub(crate) paused: u64,
    /// Running jobs that are stuck.
    pub(crate) stuck: u64,
    /// Rows that got an outcome per minute, all jobs together.
    pub(crate) rows_per_minute: u64,
    /// Failed rows of the jobs that were active today.
    pub(crate) failed_rows_today: u64,
    /// All jobs.
    pub(crate) jobs: u64,
}

/// How the running jobs get on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Running {
    /// How many of them are stuck.
    stuck: u64,
    /// Rows that got an outcome per minute, all together.
    rows_per_minute: u64,
}

impl Running {
    /// Reads it.
    pub(crate) async fn read(engine: &Engine) -> Result<Self> {
        let query = JobQuery { states: vec![JobState::Running], limit: MOST_SCANNED, ..JobQuery::default() };
        let running = engine.jobs(&query).await?;
        let stuck = running.iter().filter(|snapshot| needs_attention(snapshot)).count();
        let speed: f64 = running.iter().filter_map(|snapshot| snapshot.rows_per_second).sum();
        Ok(Self { stuck: u64::try_from(stuck).unwrap_or(u64::MAX), rows_per_minute: whole(speed * 60.0) })
    }
}

impl Summary {
    fn new(totals: Totals, sums: Sums, running: Running) -> Self {
        Self {
            running: totals.running,
            failed: totals.failed,
            paused: totals.paused,
            stuck: running.stuck,
            rows_per_minute: running.rows_per_minute,
            failed_rows_today: sums.failed_rows_today,
            jobs: sums.jobs,
        }
    }

    fn attention(&self) -> u64 {
        self.failed + self.paused + self.stuck
    }
}

/// Reads the figures.
pub(crate) async fn summary(app: &App) -> Result<Summary> {
    let totals = async { Ok(app.engine.store().totals().await?) };
    let sums = app.sums(today_from(clock::now()));
    let (running, totals, sums) = tokio::try_join!(app.running(), totals, sums)?;
    Ok(Summary::new(totals, sums, running))
}

/// Reads what the page shows.
pub(crate) async fn read(app: &App, filter: Filter) -> Result<View> {
    let view = look(app, filter).await?;
    // Back at the beginning, the page is the first one, which has the active jobs as well.
    if view.filter.after.is_some() && view.newer.is_none() {
        return look(app, view.filter.first()).await;
    }
    Ok(view)
}

async fn look(app: &App, filter: Filter) -> Result<View> {
    let (active_states, recent_states) = filter.which.states();
    // Later pages go on with whichever kind the first page ends with.
    let pages_active = recent_states.is_empty();
    let is_first = filter.before.is_none() && filter.after.is_none();
    let active_states = if is_first || pages_active { active_states } else { Vec::new() };
    let (summary, active, recent) = tokio::try_join!(
        summary(app),
        page(&app.engine, &filter, active_states, MOST_ACTIVE),
        page(&app.engine, &filter, recent_states, RECENT_A_PAGE),
    )?;
    let ends = if pages_active { &active } else { &recent };
    let (newer, older) = (ends.newer.clone(), ends.older.clone());
    Ok(View { filter, active: active.jobs, recent: recent.jobs, newer, older, summary })
}

/// A page of jobs, and the addresses of its neighbours.
#[derive(Default)]
struct Page {
    jobs: Vec<Snapshot>,
    newer: Option<String>,
    older: Option<String>,
}

/// One page of jobs in these states; of no states, an empty one.
async fn page(engine: &Engine, filter: &Filter, states: Vec<JobState>, limit: usize) -> Result<Page> {
    if states.is_empty() {
        return Ok(Page::default());
    }
    // What the store cannot filter is filtered here, over a bounded number of jobs.
    let scans = matches!(filter.which, Which::Attention | Which::FailedToday);
    let asked = if scans { MOST_SCANNED } else { limit + 1 };
    let (text, before, after) = (filter.search.clone(), filter.before, filter.after);
    let mut jobs = engine.jobs(&JobQuery { states, text, before, after, limit: asked }).await?;
    jobs.retain(|snapshot| filter.which.takes(snapshot));
    let more = jobs.len() > limit;
    let back = after.is_some();
    if back {
        jobs.drain(..jobs.len().saturating_sub(limit));
    } else {
        jobs.truncate(limit);
    }
    // Where one came from, there is something, unless it was deleted meanwhile.
    let (has_newer, has_older) = if back { (more, true) } else { (before.is_some(), more) };
    let newer = jobs.first().filter(|_| has_newer).map(|first| filter.newer(first.job.id));
    let older = jobs.last().filter(|_| has_older).map(|last| filter.older(last.job.id));
    Ok(Page { jobs, newer, older })
}

/// The page.
#[must_use]
pub(crate) fn render(view: &View) -> Markup {
    html! {
        h1 { "Active & Recent Job Progress" }
        (summary_part(&view.summary))
        (filters(&view.filter))
        button #new-jobs type="button" hidden {}
        div #jobs {
            @if !view.active.is_empty() {
                section #active aria-label="Active jobs" { h2.vh { "Active" } @for job in &view.active { (card(job)) } }
            }
            @if !view.recent.is_empty() {
                section #recent aria-label="Recent jobs" { h2.vh { "Recent" } @for job in &view.recent { (card(job)) } }
            }
        }
        @if view.active.is_empty() && view.recent.is_empty() { (nothing(view)) }
        @if view.newer.is_some() || view.older.is_some() {
            nav.pages aria-label="Pages of jobs" {
                @if let Some(newer) = &view.newer { a.btn rel="prev" href=(newer) { (icon("chevron-left")) "Newer jobs" } }
                @if let Some(older) = &view.older { a.btn rel="next" href=(older) { "Older jobs" (icon("chevron-right")) } }
            }
        }
    }
}

/// The strip and the tiles; scripts fetch them anew after a change of state.
#[must_use]
pub(crate) fn summary_part(summary: &Summary) -> Markup {
    let tile = |figure: u64, what: &str, which: Which, bind: &str| {
        html! { li { a href=(Filter::ALL.with(which)) { b data-tile=(bind) { (count(figure)) } span { (what) } } } }
    };
    html! {
        div #summary data-rows-per-minute=(summary.rows_per_minute) {
            @if summary.attention() > 0 { (strip(summary)) }
            ul.tiles {
                (tile(summary.running, "running", Which::Running, "running"))
                (tile(summary.attention(), "need attention", Which::Attention, "attention"))
                (tile(summary.rows_per_minute, "rows/min", Which::Active, "rows-per-minute"))
                (tile(summary.failed_rows_today, "failed rows today", Which::FailedToday, "failed-today"))
            }
        }
    }
}

fn strip(summary: &Summary) -> Markup {
    let kinds = [(summary.stuck, "stuck"), (summary.failed, "failed"), (summary.paused, "paused")];
    let said: Vec<String> = kinds
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", count(number)))
        .collect();
    let (verb, noun) = if summary.attention() == 1 { ("needs", "job") } else { ("need", "jobs") };
    html! {
        p.strip {
            (icon("triangle-alert"))
            span { b { (count(summary.attention())) " " (noun) " " (verb) " attention" } ": " (said.join(", ")) ". Nothing is lost." }
            a href=(Filter::ALL.with(Which::Attention)) { "Show" }
        }
    }
}

fn filters(filter: &Filter) -> Markup {
    let mut shown = Which::OFFERED.to_vec();
    if !shown.contains(&filter.which) {
        shown.push(filter.which);
    }
    html! {
        div.filters {
            nav aria-label="Filter" {
                @for which in shown {
                    a.chip href=(filter.with(which)) aria-current=[(which == filter.which).then_some("true")] { (which.label()) }
                }
            }
            form.search role="search" method="get" action="/" {
                @if filter.which != Which::All { input type="hidden" name="status" value=(filter.which.word()); }
                label.vh for="q" { "Search jobs by name or file" }
                input #q type="search" name="q" maxlength="200" placeholder="Search name or file" value=[filter.search.as_deref()] autocomplete="off";
                button.small type="submit" { (icon("search")) span.vh { "Search" } }
            }
        }
    }
}

fn nothing(view: &View) -> Markup {
    html! {
        div.empty {
            @if view.summary.jobs == 0 {
                h2 { "No job yet" }
                p { "Give Onward a CSV and a recipe. It does every row, never loses its place, and hands back the same list with what happened to each row." }
                p { a.btn.resume href="/jobs/new" { (icon("plus")) "New job" } }
            } @else {
                h2 { "No job matches" }
                p { "There are " (count(view.summary.jobs)) " jobs, none of them here. " a href="/" { "Show all" } }
            }
        }
    }
}
