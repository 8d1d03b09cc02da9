//! What to do with a file: the recipe, as people write it in TOML or JSON.
//!
//! Unknown keys are errors. Reading a recipe ([`Recipe::parse`]) checks all that can be checked
//! without the file and without the network, and reports everything that is wrong at once, each with
//! its place; expressions are compiled by the work they belong to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::doubt::Policy;
use crate::problem::Problem;
use crate::stuck;

pub mod duration;
mod fields;
mod hooks;
mod read;
mod read_work;
mod serial;
mod tree;
mod work;

pub use hooks::{Hook, MAX_HOOKS};
pub use work::{AnswerRules, Command, CommandMode, Method, Missing, Work, WorkKind};

/// A recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The fields that identify a row; empty means every row stands for itself.
    #[serde(default)]
    pub key: Vec<String>,
    /// Finished rows that may not be durable yet, at most, while work is slow.
    #[serde(default = "default_checkpoint_every")]
    pub checkpoint_every: u32,
    /// How to read the file, where it cannot tell by itself.
    #[serde(default)]
    pub input: InputOptions,
    /// Field = header, or headers to try in turn.
    #[serde(default)]
    pub columns: BTreeMap<String, Headers>,
    /// What to do with a row.
    pub work: Work,
    /// Http: how the answer of a target that is not yours is to be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<AnswerRules>,
    /// Creators: look the row up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<Fetch>,
    /// Creators: which rows to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// Creators: where to add the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add: Option<Add>,
    /// What becomes of rows whose call may have happened before a process died.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_doubt: Option<InDoubt>,
    /// When to hold the job because the target seems to be down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
    /// When to give up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// Who is told when a job is done, stops or stands still.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
}

impl Recipe {
    /// Reads a recipe as people write it: JSON when it begins with `{`, TOML otherwise.
    ///
    /// # Errors
    /// `recipe-invalid`, with all that is wrong in the fact `errors`: a list of `{message, line,
    /// column, path, nearest}`, in the order of the text.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
            Self::from_json(text)
        } else {
            Self::from_toml(text)
        }
    }

    /// Reads a recipe written in TOML.
    ///
    /// # Errors
    /// As [`Recipe::parse`].
    pub fn from_toml(text: &str) -> Result<Self, Problem> {
        read::recipe(text, tree::from_toml)
    }

    /// Reads a recipe written in JSON; also what [`Recipe::to_json`] wrote.
    ///
    /// # Errors
    /// As [`Recipe::parse`].
    pub fn from_json(text: &str) -> Result<Self, Problem> {
        read::recipe(text, tree::from_json)
    }

    /// The recipe in its one canonical form: what is stored, and what a digest is taken of. Two
    /// recipes that mean the same give the same text, however they were written.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a recipe has only text keys and finite numbers")
    }

    /// The same without what is no part of the work: who is told of it. What the digest of the work is taken of,
    /// so that a file goes on where it stopped although somebody else is told.
    #[must_use]
    pub fn work_json(&self) -> String {
        Self { hooks: Vec::new(), ..self.clone() }.to_json()
    }

    /// The same of a stored recipe's text.
    #[must_use]
    pub fn work_of(stored: &str) -> Cow<'_, str> {
        if !stored.contains("\"hooks\"") {
            return Cow::Borrowed(stored);
        }
        Self::from_json(stored).map_or(Cow::Borrowed(stored), |recipe| Cow::Owned(recipe.work_json()))
    }

    /// How long a job of this recipe may go without a saved row before it is called stuck, in
    /// milliseconds.
    #[must_use]
    pub fn limit_ms(&self) -> u64 {
        stuck::limit_ms(self.work.stuck_after, self.work.timeout)
    }
}

fn default_checkpoint_every() -> u32 {
    5
}

/// One header, or several to try in turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Headers {
    /// Just this one.
    One(String),
    /// The first of these that the file has.
    Any(Vec<String>),
}

impl Headers {
    /// The headers, in the order to try them.
    #[must_use]
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Any(names) => names,
        }
    }
}

/// How to read the file; everything left out is found out from the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InputOptions {
    /// An encoding's name (WHATWG), such as `utf-8` or `windows-1250`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// One character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// Whether the first record is a header; true when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// Names for the columns of a file without a header.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Lines that begin with this character are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<char>,
    /// Whether a file with a header and no rows makes a job that is complete at once.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_empty: bool,
}

/// How a creator is looked up. The rules are CEL over the row's fields, `status`, `headers` and `body`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetch {
    /// The address; `{{ field }}` is replaced, percent-encoded.
    pub url: String,
    /// Headers; `{{ secret.NAME }}` comes from `ONWARD_SECRET_NAME`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Redirects that are followed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub redirects: u32,
    /// True: nothing can be done any more, the job stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fatal: Option<String>,
    /// True: what the target allows is used up, the job stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<String>,
    /// True: the target asks to slow down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled: Option<String>,
    /// True: call again later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<String>,
    /// True: there is no such creator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_found: Option<String>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Which creators to keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// CEL over the row's fields and, after a fetch, `status`, `headers` and `body`.
    pub keep: String,
}

/// Where creators are added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// The list's name.
    #[serde(default = "default_table")]
    pub table: String,
    /// Column = CEL; the row's own fields when left out.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
}

fn default_table() -> String {
    "creators".to_owned()
}

/// What becomes of rows in doubt ([`crate::doubt`]).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InDoubt {
    /// Call again, wait for a person, or ask.
    #[serde(default)]
    pub policy: Policy,
    /// Ask: the address; `{{ field }}` is replaced, percent-encoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Ask: headers; `{{ secret.NAME }}` comes from `ONWARD_SECRET_NAME`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Ask: CEL over the row's fields, `status`, `headers` and `body`; true means that the row is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
}

/// When the job is held because the target seems to be down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    /// So many rows in a row that failed for the target's sake; 0 means never.
    pub failures_in_a_row: u32,
}

/// When the job gives up; it can be resumed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// Failed rows by processed rows, 0 to 1; looked at once 20 rows are done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_share: Option<f64>,
    /// So many failed rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_rows: Option<u64>,
}

#[cfg(test)]
mod tests;
