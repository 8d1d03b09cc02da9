//! What happened to a job: its attempts and its timeline.

use maud::{Markup, html};
use onward_core::clock::UnixMs;
use onward_core::event::{Event, EventKind};
use onward_core::state::JobState;
use onward_engine::Snapshot;

use crate::web::attempts::{Attempt, attempts};
use crate::web::format::{Relative, count, duration, relative};
use crate::web::parts::badge::icon;

/// The attempts, newest last.
#[must_use]
pub(crate) fn attempts_part(events: &[Event], snapshot: &Snapshot) -> Markup {
    let attempts = attempts(events, snapshot.job.attempt);
    html! {
        @if attempts.is_empty() { p { "It has not begun yet." } }
        ol.attempts {
            @for attempt in &attempts {
                li {
                    b { "Attempt " (attempt.number) } ": " (rows_of(attempt, snapshot))
                    @if attempt.end.is_empty() { @if attempt.ended_at.is_none() { (now_doing(snapshot)) } }
                    @else { ", " (attempt.end) }
                    @if let Some(ended) = attempt.ended_at { span.quiet { " · " (duration(ended.ms_since(attempt.at))) } }
                }
            }
        }
    }
}

/// The last attempt of a job at rest ended where the checkpoint is.
fn rows_of(attempt: &Attempt, snapshot: &Snapshot) -> String {
    let low_water = snapshot.job.checkpoint.low_water;
    let at_rest = attempt.ended_at.is_some() && low_water >= attempt.from_row;
    match attempt.to_row.or(at_rest.then_some(low_water)) {
        Some(to) => format!("rows {}-{}", count(attempt.from_row), count(to)),
        None => format!("from row {}", count(attempt.from_row)),
    }
}

fn now_doing(snapshot: &Snapshot) -> &'static str {
    match snapshot.job.state {
        JobState::Running if snapshot.stuck.is_some() => ", stuck",
        JobState::Running => ", running",
        JobState::Queued
        | JobState::Paused
        | JobState::Completed
        | JobState::Failed
        | JobState::Cancelled => "",
    }
}

/// The timeline, newest first.
#[must_use]
pub(crate) fn timeline(events: &[Event], now: UnixMs) -> Markup {
    html! {
        ol.timeline {
            @for event in events.iter().rev() {
                li id={ "event-" (event.seq) } {
                    (icon(sign(event.kind)))
                    div {
                        b { (event.kind.word().replace('-', " ")) }
                        @if let Some(row) = event.from_row { " from row " (count(row)) }
                        @if !event.actor.is_empty() { " by " (event.actor) }
                        @if !event.detail.is_empty() { p { (event.detail) } }
                    }
                    span.quiet { (relative(event.at, now, Relative::Ago)) " · epoch " (event.epoch) }
                }
            }
        }
    }
}

fn sign(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Created | EventKind::Attached => "file-spreadsheet",
        EventKind::Started | EventKind::Resumed => "play",
        EventKind::Restarted | EventKind::Rescued => "refresh-cw",
        EventKind::Paused => "clock",
        EventKind::Cancelled => "ban",
        EventKind::Completed => "circle-check",
        EventKind::Failed => "circle-x",
        EventKind::Retried => "rotate-ccw",
        EventKind::Fenced | EventKind::LateResult => "triangle-alert",
        EventKind::Changed => "settings",
    }
}
