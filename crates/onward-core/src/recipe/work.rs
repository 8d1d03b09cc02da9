//! `[work]` and `[answer]`: what is done with a row, and how the answer of a foreign target is read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::serial::{duration_option, retry_text};
use super::{duration, is_zero};
use crate::pace::{MAX_WAIT_MS, Rate};
use crate::retry::RetryPolicy;

/// The kinds of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkKind {
    /// Look up, filter, add to a table in the same database.
    Creators,
    /// HTTP calls.
    Http,
    /// A program of the user's.
    Command,
}

/// What to do with a row, and within which limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// Which kind.
    pub kind: WorkKind,
    /// Calls in flight, 1 to 10,000.
    #[serde(default = "default_concurrency")]
    pub concurrency: u32,
    /// No more calls than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// The longest wait that the target may ask for.
    #[serde(default = "default_max_wait", with = "duration", skip_serializing_if = "is_max_wait")]
    pub max_wait: u64,
    /// How long one call may take.
    #[serde(default = "default_timeout", with = "duration")]
    pub timeout: u64,
    /// How often a row is tried.
    #[serde(default, with = "retry_text")]
    pub retry: RetryPolicy,
    /// A running job with no saved row for this long is called stuck; 60 s or more when left out.
    #[serde(default, with = "duration_option", skip_serializing_if = "Option::is_none")]
    pub stuck_after: Option<u64>,
    /// For `http` and `command` in lines: rows in one call, at most.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub batch: u32,
    /// What becomes of a row that the answer to a batch leaves out.
    #[serde(default, skip_serializing_if = "Missing::is_usual")]
    pub missing: Missing,
    /// For `http`: where to send the row; `{{ field }}` is replaced, percent-encoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// For `http`: what stands between the values of a batch in `url`; `,` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join: Option<String>,
    /// For `http`: POST when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// For `http`: headers; `{{ secret.NAME }}` comes from `ONWARD_SECRET_NAME`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// For `http`: a JSON text in which `{{ field }}` is replaced, escaped; the row when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// For `http`: redirects that are followed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub redirects: u32,
    /// For `command`: the program and its arguments, or the name of one that the server knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
    /// For `command`: how rows reach the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<CommandMode>,
    /// For `command` in lines: how many children; one per processor, at most `concurrency`, when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
    /// For `command`: variables of the environment that the program gets besides the usual ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
}

pub(super) fn default_max_wait() -> u64 {
    MAX_WAIT_MS
}

fn is_max_wait(wait_ms: &u64) -> bool {
    *wait_ms == MAX_WAIT_MS
}

fn one() -> u32 {
    1
}

fn is_one(number: &u32) -> bool {
    *number == 1
}

/// What becomes of a row that the answer to a batch leaves out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// It is called once more, alone; when it is missing again, it was not found.
    #[default]
    RetryAlone,
    /// It was not found.
    NotFound,
}

impl Missing {
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// The methods of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Asks.
    Get,
    /// Sends.
    Post,
    /// Puts in place.
    Put,
    /// Changes.
    Patch,
    /// Deletes.
    Delete,
}

/// A program of the user's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Command {
    /// The name of a command in the server's own configuration.
    Named(String),
    /// The program and its arguments.
    Argv(Vec<String>),
}

/// How the answer of a target is read: CEL over the row's fields, `status`, `headers`, `body` and,
/// with `items`, `item`. The rules are looked at in the order in which they stand here; the first that
/// is true says what became of the row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnswerRules {
    /// No row can be done any more (a dead token, no credit): the job stops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fatal: Option<String>,
    /// What the target allows is used up: the job stops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<String>,
    /// The target asks to slow down: nothing goes out for a while, no try is used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttled: Option<String>,
    /// Try again later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<String>,
    /// The target does not know it; asked once more before it is final.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_found: Option<String>,
    /// The row failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// The row is filtered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filtered: Option<String>,
    /// The row is skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// The row is added; when left out, a 2xx for which no other rule is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added: Option<String>,
    /// The list of results in the answer, one per row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<String>,
    /// True when `item` is the row's own.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
    /// What is kept with the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The sentence that is shown with the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl AnswerRules {
    /// Name and source of every expression, in the order of the rules.
    #[must_use]
    pub fn expressions(&self) -> [(&'static str, Option<&String>); 13] {
        [
            ("fatal", self.fatal.as_ref()),
            ("quota", self.quota.as_ref()),
            ("throttled", self.throttled.as_ref()),
            ("retry", self.retry.as_ref()),
            ("not_found", self.not_found.as_ref()),
            ("failed", self.failed.as_ref()),
            ("filtered", self.filtered.as_ref()),
            ("skipped", self.skipped.as_ref()),
            ("added", self.added.as_ref()),
            ("items", self.items.as_ref()),
            ("match", self.matches.as_ref()),
            ("result", self.result.as_ref()),
            ("message", self.message.as_ref()),
        ]
    }
}

pub(super) fn default_concurrency() -> u32 {
    8
}

pub(super) fn default_timeout() -> u64 {
    30_000
}

/// How rows reach a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommandMode {
    /// One JSON line in, one JSON line out, children live on.
    Lines,
    /// One process per row.
    Row,
}
