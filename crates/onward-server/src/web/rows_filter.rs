//! Which rows a job's page shows: read from its address, written back into its links.

use onward_core::id::{JobId, RowIndex};
use onward_core::problem::{Code, Problem};
use onward_core::row::Outcome;
use onward_engine::Snapshot;
use serde::Deserialize;

use crate::web::filter::encoded;

/// Longest code or search text.
const MOST_CHARS: usize = 200;

/// The query of a job's page as it comes.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    verify: String,
}

impl Asked {
    /// Whether the ledger is to be compared with the counters, which reads all of it.
    pub(crate) fn wants_verify(&self) -> bool {
        self.verify == "1"
    }
}

/// Which rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowsFilter {
    /// Only this outcome.
    pub(crate) outcome: Option<Outcome>,
    /// Only this code.
    pub(crate) code: Option<String>,
    /// Only rows whose key or message contains this.
    pub(crate) search: Option<String>,
    /// Only rows after this one.
    pub(crate) after: Option<RowIndex>,
}

impl RowsFilter {
    /// Reads the query of an address. Without one: the failed rows, when there are any.
    pub(crate) fn read(asked: &Asked, snapshot: &Snapshot) -> Result<Self, Problem> {
        let outcome = match asked.outcome.as_str() {
            "" if asked.code.is_empty() && asked.q.is_empty() => {
                (snapshot.job.tally.failed > 0).then_some(Outcome::Failed)
            }
            "" | "all" => None,
            word => Some(word.parse().map_err(|error| {
                Problem::new(Code::InvalidParameter, format!("outcome: {error}, or all"))
            })?),
        };
        let after = match asked.after.as_str() {
            "" => None,
            row => {
                let index = row.parse().ok().and_then(RowIndex::from_row);
                Some(index.ok_or_else(|| Problem::new(Code::InvalidCursor, "after is the number of a row"))?)
            }
        };
        Ok(Self { outcome, code: short(&asked.code, "code")?, search: short(&asked.q, "q")?, after })
    }

    /// The address of the first page of these rows with another outcome.
    pub(crate) fn with(&self, id: JobId, outcome: Option<Outcome>) -> String {
        Self { outcome, code: None, search: self.search.clone(), after: None }.href(id)
    }

    /// The address of the page after this row.
    pub(crate) fn following(&self, id: JobId, row: u64) -> String {
        Self { after: RowIndex::from_row(row), ..self.clone() }.href(id)
    }

    /// The address of the first page.
    pub(crate) fn first(&self, id: JobId) -> String {
        Self { after: None, ..self.clone() }.href(id)
    }

    fn href(&self, id: JobId) -> String {
        let mut href = format!("/jobs/{id}?outcome={}", self.outcome.map_or("all", Outcome::word));
        if let Some(code) = &self.code {
            href.push_str(&format!("&code={}", encoded(code)));
        }
        if let Some(search) = &self.search {
            href.push_str(&format!("&q={}", encoded(search)));
        }
        if let Some(after) = self.after {
            href.push_str(&format!("&after={}", after.row()));
        }
        href + "#rows"
    }
}

fn short(text: &str, name: &str) -> Result<Option<String>, Problem> {
    let text = text.trim();
    if text.chars().count() > MOST_CHARS {
        return Err(Problem::new(Code::InvalidParameter, format!("{name} is longer than 200 characters")));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::sample;

    fn asked(outcome: &str, code: &str, after: &str) -> Asked {
        let text = |text: &str| text.to_owned();
        Asked { outcome: text(outcome), code: text(code), after: text(after), ..Asked::default() }
    }

    #[test]
    fn failed_rows_come_first_when_nothing_is_asked() {
        let snapshot = sample::failed();
        assert_eq!(RowsFilter::read(&asked("", "", ""), &snapshot).unwrap().outcome, Some(Outcome::Failed));
        assert_eq!(RowsFilter::read(&asked("all", "", ""), &snapshot).unwrap().outcome, None);
    }

    #[test]
    fn the_next_page_keeps_what_was_asked() {
        let snapshot = sample::failed();
        let filter = RowsFilter::read(&asked("failed", "a b", ""), &snapshot).unwrap();
        let id = snapshot.job.id;
        assert_eq!(filter.following(id, 50), format!("/jobs/{id}?outcome=failed&code=a%20b&after=50#rows"));
        assert_eq!(RowsFilter::read(&asked("", "", "50"), &snapshot).unwrap().after, Some(RowIndex(49)));
    }

    #[test]
    fn what_is_no_row_filter_is_refused() {
        let snapshot = sample::failed();
        assert!(RowsFilter::read(&asked("maybe", "", ""), &snapshot).is_err());
        assert!(RowsFilter::read(&asked("", "", "0"), &snapshot).is_err());
    }
}
