//! Which rows the explorer shows: read from its address, written back into its links.

use onward_core::id::{JobId, RowIndex};
use onward_core::problem::{Code, Problem};
use onward_core::row::Outcome;
use serde::Deserialize;

use crate::web::filter::encoded;

/// Longest code or search text.
const MOST_CHARS: usize = 200;

/// The query of the explorer as it comes.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    before: String,
}

/// Where a page of rows lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It begins with the first match at or after this row.
    From(RowIndex),
    /// It ends with the last match before this row.
    Before(RowIndex),
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
    /// Which page of them.
    pub(crate) place: Place,
}

impl RowsFilter {
    /// The first page of all rows.
    pub(crate) const ALL: Self =
        Self { outcome: None, code: None, search: None, place: Place::From(RowIndex(0)) };

    /// Reads the query of an address.
    pub(crate) fn read(asked: &Asked) -> Result<Self, Problem> {
        let outcome = match asked.outcome.as_str() {
            "" | "all" => None,
            word => Some(word.parse().map_err(|error| {
                Problem::new(Code::InvalidParameter, format!("outcome: {error}, or all"))
            })?),
        };
        let place = match (row(&asked.from, "from")?, row(&asked.before, "before")?) {
            (_, Some(before)) => Place::Before(before),
            (Some(from), None) => Place::From(from),
            (None, None) => Place::From(RowIndex(0)),
        };
        Ok(Self { outcome, code: short(&asked.code, "code")?, search: short(&asked.q, "q")?, place })
    }

    /// Whether single records have to be looked at to know which match.
    pub(crate) fn looks_inside(&self) -> bool {
        self.code.is_some() || self.search.is_some()
    }

    /// The same rows, another page.
    pub(crate) fn at(&self, place: Place) -> Self {
        Self { place, ..self.clone() }
    }

    /// The first page of the rows with another outcome, or those with another code.
    pub(crate) fn with(&self, outcome: Option<Outcome>, code: Option<&str>) -> Self {
        Self { outcome, code: code.map(str::to_owned), search: self.search.clone(), ..Self::ALL }
    }

    /// The address of this page.
    pub(crate) fn href(&self, id: JobId) -> String {
        let mut pairs = self.pairs();
        match self.place {
            Place::From(RowIndex(0)) => {}
            Place::From(row) => pairs.push(format!("from={}", row.row())),
            Place::Before(row) => pairs.push(format!("before={}", row.row())),
        }
        join(format!("/jobs/{id}/rows"), &pairs)
    }

    /// The address at which exactly these rows, all pages of them, can be downloaded.
    pub(crate) fn export(&self, id: JobId, format: &str) -> String {
        let mut pairs = self.pairs();
        if format != "csv" {
            pairs.push(format!("format={format}"));
        }
        join(format!("/api/v1/jobs/{id}/export"), &pairs)
    }

    fn pairs(&self) -> Vec<String> {
        let outcome = self.outcome.map(|outcome| format!("outcome={outcome}"));
        let code = self.code.as_ref().map(|code| format!("code={}", encoded(code)));
        let search = self.search.as_ref().map(|search| format!("q={}", encoded(search)));
        [outcome, code, search].into_iter().flatten().collect()
    }
}

fn join(path: String, pairs: &[String]) -> String {
    if pairs.is_empty() { path } else { format!("{path}?{}", pairs.join("&")) }
}

fn row(text: &str, name: &str) -> Result<Option<RowIndex>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let index = text.replace(',', "").parse().ok().and_then(RowIndex::from_row);
    let refused = || Problem::new(Code::InvalidParameter, format!("{name} is the number of a row, from 1"));
    index.map(Some).ok_or_else(refused)
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

    fn asked(outcome: &str, code: &str, from: &str, before: &str) -> Asked {
        let text = |text: &str| text.to_owned();
        let q = String::new();
        Asked { outcome: text(outcome), code: text(code), q, from: text(from), before: text(before) }
    }

    #[test]
    fn a_page_lives_in_its_address() {
        let id = JobId(uuid::Uuid::nil());
        let filter = RowsFilter::read(&asked("failed", "a b", "1,229", "")).unwrap();
        assert_eq!(filter.href(id), format!("/jobs/{id}/rows?outcome=failed&code=a%20b&from=1229"));
        let before = filter.at(Place::Before(RowIndex(49)));
        assert_eq!(before.href(id), format!("/jobs/{id}/rows?outcome=failed&code=a%20b&before=50"));
        assert_eq!(filter.export(id, "csv"), format!("/api/v1/jobs/{id}/export?outcome=failed&code=a%20b"));
        assert_eq!(RowsFilter::ALL.href(id), format!("/jobs/{id}/rows"));
        assert_eq!(filter.with(None, None).href(id), format!("/jobs/{id}/rows"));
    }

    #[test]
    fn what_is_no_page_of_rows_is_refused() {
        for bad in [asked("maybe", "", "", ""), asked("", "", "0", ""), asked("", "", "", "x")] {
            assert_eq!(RowsFilter::read(&bad).unwrap_err().code, Code::InvalidParameter);
        }
        assert!(RowsFilter::read(&asked("", &"x".repeat(201), "", "")).is_err());
    }
}
