//! The line of facts under a job's name: what a person asks first in each state.

use maud::{Markup, html};
use onward_core::checkpoint::Checkpoint;
use onward_core::job::Job;
use onward_core::state::{JobState, PauseReason};
use onward_engine::Snapshot;

use crate::web::format::{Relative, count, duration, rate, relative, rows, time_left};
use crate::web::parts::badge::Look;

/// The facts of a job as it stands.
#[must_use]
pub(crate) fn facts(snapshot: &Snapshot) -> Markup {
    let job = &snapshot.job;
    html! {
        p.facts {
            @match Look::of(snapshot) {
                Look::Stuck => { (stuck(snapshot)) }
                Look::FileMissing => { (file_missing(job)) }
                Look::Plain(JobState::Queued) => {
                    @match snapshot.closed_until {
                        Some(until) => { "Waits for the rate limit, next call " (relative(until, snapshot.at, Relative::In)) " · " }
                        None => { "Waits for a free worker · " }
                    }
                    (rows(job.total, "")) " · submitted "
                    (relative(job.created_at, snapshot.at, Relative::Ago))
                }
                Look::Plain(JobState::Running) => { (running(snapshot)) }
                Look::Plain(JobState::Paused) => { (paused(snapshot)) }
                Look::Plain(JobState::Completed) => { (completed(snapshot)) }
                Look::Plain(JobState::Failed) => { (failed(snapshot)) }
                Look::Plain(JobState::Cancelled) => {
                    "Cancelled " (relative(stopped_at(job), snapshot.at, Relative::Ago)) " · " (saved(job))
                }
            }
        }
    }
}

/// `12.4 rows/s · about 29 s left · `, as far as it is known. `assets/patch.js` writes the same.
#[must_use]
pub(crate) fn speed(snapshot: &Snapshot) -> String {
    let rate = snapshot.rows_per_second.map(|speed| format!("{} · ", rate(speed)));
    let left = match snapshot.eta_range_seconds {
        Some((least, most)) => Some(format!("{} to {} left · ", time_left(least), time_left(most))),
        None => snapshot.eta_seconds.map(|seconds| format!("about {} left · ", time_left(seconds))),
    };
    rate.unwrap_or_default() + &left.unwrap_or_default()
}

/// `checkpoint at row 640`, and what is done beyond it. `assets/patch.js` writes the same.
#[must_use]
pub(crate) fn checkpoint(checkpoint: &Checkpoint) -> String {
    match (checkpoint.low_water, checkpoint.ahead) {
        (0, 0) => "no row saved yet".to_owned(),
        (low, 0) => format!("checkpoint at row {}", count(low)),
        (low, ahead) => format!("checkpoint at row {} and {} beyond", count(low), count(ahead)),
    }
}

/// ` · worker eu-1`, or several. `assets/patch.js` writes the same.
#[must_use]
pub(crate) fn workers(job: &Job) -> String {
    let mut names: Vec<String> = job.leases.iter().map(|lease| lease.worker.to_string()).collect();
    names.sort();
    names.dedup();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!(" · worker {one}"),
        several => format!(" · workers {}", several.join(", ")),
    }
}

fn running(snapshot: &Snapshot) -> Markup {
    let job = &snapshot.job;
    html! {
        @if job.tuning.probes() > 0 { "Tries one row to see whether its target answers again · " }
        @if let Some(until) = snapshot.closed_until {
            "Waits for the rate limit, next call " (relative(until, snapshot.at, Relative::In)) " · "
        }
        span data-bind="speed" { (speed(snapshot)) }
        span data-bind="checkpoint" { (checkpoint(&job.checkpoint)) }
        @if let Some(saved_at) = job.checkpoint.saved_at {
            span data-bind="saved" { ", " (relative(saved_at, snapshot.at, Relative::Ago)) }
        }
        span data-bind="workers" { (workers(job)) }
    }
}

fn stuck(snapshot: &Snapshot) -> Markup {
    let detail = snapshot.stuck.as_ref().map_or("", |stuck| stuck.detail.as_str());
    html! {
        span data-bind="stuck" { (sentence_case(detail)) } " · "
        span data-bind="checkpoint" { (checkpoint(&snapshot.job.checkpoint)) }
        ", nothing is lost"
    }
}

fn file_missing(job: &Job) -> Markup {
    html! {
        "The CSV of this job is gone, so it cannot go on"
        @if let Some(row) = job.resume_from_row() { " from row " (count(row)) }
        ". " (saved(job)) "."
    }
}

fn paused(snapshot: &Snapshot) -> Markup {
    let job = &snapshot.job;
    let by_person = job.pause.as_ref().is_none_or(|pause| pause.reason == PauseReason::User);
    html! {
        @if let (false, Some(pause)) = (by_person, &job.pause) {
            (sentence_case(&pause.message)) " · "
            @if let Some(probe_at) = pause.probe_at {
                "tries one row again " (relative(probe_at, snapshot.at, Relative::In)) " · "
            }
        } @else {
            "Paused by a person " (relative(job.updated_at, snapshot.at, Relative::Ago)) " · "
        }
        (saved(job))
    }
}

fn completed(snapshot: &Snapshot) -> Markup {
    let job = &snapshot.job;
    let ended = stopped_at(job);
    html! {
        @if let Some(started) = job.started_at { "Took " (duration(ended.ms_since(started))) " · finished " }
        @else { "Finished " }
        (relative(ended, snapshot.at, Relative::Ago))
        @if job.tally.failed > 0 {
            " · "
            a href={ "/jobs/" (job.id) "/rows?outcome=failed" } {
                (rows(job.tally.failed, "failed")) " can be retried"
            }
        }
    }
}

fn failed(snapshot: &Snapshot) -> Markup {
    let job = &snapshot.job;
    html! {
        "Stopped " (relative(stopped_at(job), snapshot.at, Relative::Ago))
        @if let Some(error) = &job.error { ": " (error.message) }
        " · nothing is lost"
    }
}

fn saved(job: &Job) -> String {
    format!("{} saved", rows_are(job.tally.processed()))
}

fn rows_are(number: u64) -> String {
    if number == 1 { "1 row is".to_owned() } else { format!("{} are", rows(number, "")) }
}

fn stopped_at(job: &Job) -> onward_core::clock::UnixMs {
    job.finished_at.unwrap_or(job.updated_at)
}

fn sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
