//! Which jobs the main page shows: read from its address, written back into its links.

use onward_core::clock::UnixMs;
use onward_core::id::JobId;
use onward_core::problem::{Code, Problem};
use onward_core::state::JobState;
use onward_engine::Snapshot;
use serde::Deserialize;

/// Longest search text; names are shorter.
const MOST_SEARCH_CHARS: usize = 200;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// The query of the main page as it comes.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    status: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    before: String,
    #[serde(default)]
    after: String,
}

/// Which jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// All of them, the active ones first.
    All,
    /// Queued, running or paused.
    Active,
    /// Running; the tile's own filter.
    Running,
    /// Failed, paused, or running and stuck.
    Attention,
    /// Completed, failed or cancelled.
    Finished,
    /// With failed rows, and active today; the tile's own filter.
    FailedToday,
}

impl Which {
    /// Those with a place in the row of filters.
    pub(crate) const OFFERED: [Self; 4] = [Self::All, Self::Active, Self::Attention, Self::Finished];
    /// Every one.
    const EVERY: [Self; 6] =
        [Self::All, Self::Active, Self::Attention, Self::Finished, Self::Running, Self::FailedToday];

    /// The word in the address.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Active => "active",
            Self::Running => "running",
            Self::Attention => "attention",
            Self::Finished => "finished",
            Self::FailedToday => "failed-today",
        }
    }

    /// The words on the page.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Active => "Active",
            Self::Running => "Running",
            Self::Attention => "Needs attention",
            Self::Finished => "Finished",
            Self::FailedToday => "With failed rows today",
        }
    }

    /// The states to ask the store for: first the active ones, then the others.
    pub(crate) fn states(self) -> (Vec<JobState>, Vec<JobState>) {
        use JobState::{Cancelled, Completed, Failed, Paused, Queued, Running};
        match self {
            Self::All | Self::FailedToday => {
                (vec![Queued, Running, Paused], vec![Completed, Failed, Cancelled])
            }
            Self::Active => (vec![Queued, Running, Paused], vec![]),
            Self::Running => (vec![Running], vec![]),
            Self::Attention => (vec![Running, Paused], vec![Failed]),
            Self::Finished => (vec![], vec![Completed, Failed, Cancelled]),
        }
    }

    /// Whether a job of those states belongs here.
    pub(crate) fn takes(self, snapshot: &Snapshot) -> bool {
        match self {
            Self::All | Self::Active | Self::Running | Self::Finished => true,
            Self::Attention => needs_attention(snapshot),
            Self::FailedToday => {
                snapshot.job.tally.failed > 0 && snapshot.job.updated_at >= today_from(snapshot.at)
            }
        }
    }
}

/// Failed, paused or stuck: it waits for a person.
#[must_use]
pub(crate) fn needs_attention(snapshot: &Snapshot) -> bool {
    match snapshot.job.state {
        JobState::Failed | JobState::Paused => true,
        JobState::Running => snapshot.stuck.is_some(),
        JobState::Queued | JobState::Completed | JobState::Cancelled => false,
    }
}

/// When today began, in UTC as everything on the pages.
#[must_use]
pub(crate) fn today_from(now: UnixMs) -> UnixMs {
    UnixMs(now.0 - now.0.rem_euclid(DAY_MS))
}

/// What the main page is asked to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Which jobs.
    pub(crate) which: Which,
    /// Only those whose name contains this.
    pub(crate) search: Option<String>,
    /// Only older ones than this.
    pub(crate) before: Option<JobId>,
    /// The page on the newer side of this.
    pub(crate) after: Option<JobId>,
}

impl Filter {
    /// Everything.
    pub(crate) const ALL: Self = Self { which: Which::All, search: None, before: None, after: None };

    /// Reads the query of an address.
    pub(crate) fn read(asked: &Asked) -> Result<Self, Problem> {
        let which = match asked.status.as_str() {
            "" => Which::All,
            word => Which::EVERY.into_iter().find(|which| which.word() == word).ok_or_else(|| {
                Problem::new(Code::InvalidParameter, "status is one of all, active, attention, finished")
            })?,
        };
        let search = asked.q.trim();
        if search.chars().count() > MOST_SEARCH_CHARS {
            return Err(Problem::new(
                Code::InvalidParameter,
                "the search text is longer than 200 characters",
            ));
        }
        let (before, after) = (cursor(&asked.before)?, cursor(&asked.after)?);
        Ok(Self { which, search: (!search.is_empty()).then(|| search.to_owned()), before, after })
    }

    /// The address of this filter with other jobs, from the first page on.
    pub(crate) fn with(&self, which: Which) -> String {
        Self { which, search: self.search.clone(), before: None, after: None }.href()
    }

    /// The address of the page of those older than this job.
    pub(crate) fn older(&self, last: JobId) -> String {
        Self { before: Some(last), after: None, ..self.clone() }.href()
    }

    /// The address of the page of those newer than this job.
    pub(crate) fn newer(&self, first: JobId) -> String {
        Self { before: None, after: Some(first), ..self.clone() }.href()
    }

    /// The same from the first page on.
    pub(crate) fn first(&self) -> Self {
        Self { before: None, after: None, ..self.clone() }
    }

    fn href(&self) -> String {
        let mut pairs = Vec::new();
        if self.which != Which::All {
            pairs.push(format!("status={}", self.which.word()));
        }
        if let Some(search) = &self.search {
            pairs.push(format!("q={}", encoded(search)));
        }
        if let Some(before) = self.before {
            pairs.push(format!("before={before}"));
        }
        if let Some(after) = self.after {
            pairs.push(format!("after={after}"));
        }
        if pairs.is_empty() { "/".to_owned() } else { format!("/?{}", pairs.join("&")) }
    }
}

fn cursor(text: &str) -> Result<Option<JobId>, Problem> {
    let refused = |_| Problem::new(Code::InvalidCursor, "follow the links Older jobs and Newer jobs");
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(refused) }
}

/// Percent-encodes a text for a query.
#[must_use]
pub(crate) fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(status: &str, q: &str, before: &str) -> Asked {
        Asked { status: status.to_owned(), q: q.to_owned(), before: before.to_owned(), after: String::new() }
    }

    #[test]
    fn a_filter_lives_in_the_address() {
        let filter = Filter::read(&asked("attention", " a&b ", "")).unwrap();
        assert_eq!(filter.href(), "/?status=attention&q=a%26b");
        assert_eq!(filter.with(Which::All), "/?q=a%26b");
        assert_eq!(Filter::ALL.href(), "/");
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        assert_eq!(Filter::read(&asked("never", "", "")).unwrap_err().code, Code::InvalidParameter);
        assert_eq!(Filter::read(&asked("", &"x".repeat(201), "")).unwrap_err().code, Code::InvalidParameter);
        assert_eq!(Filter::read(&asked("", "", "7")).unwrap_err().code, Code::InvalidCursor);
    }

    #[test]
    fn today_begins_at_midnight_utc() {
        assert_eq!(today_from(UnixMs(DAY_MS * 3 + 5)), UnixMs(DAY_MS * 3));
    }
}
