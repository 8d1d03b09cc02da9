//! The badge that says where a job stands, and the icons of the sprite.

use maud::{Markup, html};
use onward_core::state::{JobState, PauseReason};
use onward_engine::Snapshot;

use crate::web::assets;
use crate::web::format::{Relative, relative};

/// An icon of the sprite. Decoration: the words beside it say the same.
#[must_use]
pub(crate) fn icon(name: &str) -> Markup {
    html! {
        svg.icon aria-hidden="true" width="18" height="18" {
            use href={ (assets::href("sprite.svg")) "#" (name) } {}
        }
    }
}

/// How a job looks: its state, with stuck and a missing file told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// As its state says.
    Plain(JobState),
    /// Running, and nothing moves.
    Stuck,
    /// Stopped, and its file is gone.
    FileMissing,
}

impl Look {
    /// How this job looks.
    #[must_use]
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let job = &snapshot.job;
        match job.state {
            JobState::Running if snapshot.stuck.is_some() => Self::Stuck,
            JobState::Failed | JobState::Cancelled if !job.input.available => Self::FileMissing,
            state @ (JobState::Queued
            | JobState::Running
            | JobState::Paused
            | JobState::Completed
            | JobState::Failed
            | JobState::Cancelled) => Self::Plain(state),
        }
    }

    /// The class that gives the colour.
    #[must_use]
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Plain(state) => state.word(),
            Self::Stuck => "stuck",
            Self::FileMissing => "failed",
        }
    }
}

/// The badge: an icon and a word, never a colour alone.
#[must_use]
pub(crate) fn badge(snapshot: &Snapshot) -> Markup {
    let look = Look::of(snapshot);
    let (sign, word) = sign_and_word(look, snapshot);
    html! {
        span.badge.{ "s-" (look.class()) } {
            (icon(sign)) span {
                (word)
                @if let (Look::Stuck, Some(stuck)) = (look, &snapshot.stuck) {
                    " for " (relative(stuck.since, snapshot.at, Relative::For))
                }
            }
        }
    }
}

fn sign_and_word(look: Look, snapshot: &Snapshot) -> (&'static str, &'static str) {
    match look {
        Look::Stuck => ("hourglass", "Stuck"),
        Look::FileMissing if snapshot.job.state == JobState::Cancelled => ("ban", "Cancelled, file missing"),
        Look::FileMissing => ("circle-x", "Failed, file missing"),
        Look::Plain(JobState::Queued) => ("clock", "Queued"),
        Look::Plain(JobState::Running) => ("loader", "Running"),
        Look::Plain(JobState::Paused) => ("circle-slash", paused_word(snapshot)),
        Look::Plain(JobState::Completed) => ("circle-check", "Completed"),
        Look::Plain(JobState::Failed) => ("circle-x", "Failed"),
        Look::Plain(JobState::Cancelled) => ("ban", "Cancelled"),
    }
}

fn paused_word(snapshot: &Snapshot) -> &'static str {
    match snapshot.job.pause.as_ref().map(|pause| pause.reason) {
        Some(PauseReason::Breaker) => "Paused: target is down",
        Some(PauseReason::Quota) => "Paused: quota used up",
        Some(PauseReason::DiskFull) => "Paused: disk full",
        Some(PauseReason::InDoubt) => "Paused: rows in doubt",
        Some(PauseReason::User) | None => "Paused",
    }
}
