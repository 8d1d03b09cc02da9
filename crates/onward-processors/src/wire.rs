//! The shapes of our own requests and answers: the same for http work and for programs.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use onward_core::id::JobId;
use onward_core::input::{Columns, InputRow};
use onward_core::pace::MAX_WAIT_MS;
use onward_core::processor::{Answer, Call, IdempotencyKey};
use onward_core::recipe::Missing;
use onward_core::row::{Outcome, Text, Verdict};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::answers::{USUAL_WAIT_MS, failed, one_line};
use crate::settings::Secrets;

/// A target's code is a short fixed word; longer ones are cut, in characters.
const MAX_CODE: usize = 64;
/// A target's message is a sentence; longer ones are cut, in characters.
const MAX_MESSAGE: usize = 1_000;

/// Most rows are written in so many bytes.
const USUAL_ROW: usize = 512;

/// What is sent of one row.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<Written<JobId>>,
    row: u64,
    attempt: u32,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<Written<IdempotencyKey>>,
    fields: Fields<'a>,
}

#[derive(Serialize)]
struct Rows<'a> {
    job_id: Written<JobId>,
    rows: Vec<Row<'a>>,
}

/// In the words in which it is shown.
struct Written<T>(T);

impl<T: fmt::Display> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Names and values of a row's own fields.
struct Fields<'a>(&'a Columns, &'a InputRow);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(columns, row) = self;
        let own = columns.own().iter();
        serializer.collect_map(own.filter_map(|(name, at)| Some((&**name, row.fields.get(*at)?))))
    }
}

/// What is said of one row.
#[derive(Debug, Deserialize)]
pub(crate) struct Said {
    outcome: Word,
    code: Option<String>,
    message: Option<String>,
    result: Option<Box<RawValue>>,
    /// With `retry` and `throttled`: how long to wait, in milliseconds.
    wait_ms: Option<u64>,
}

/// How a row ended, or that it has not.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Added,
    Skipped,
    Filtered,
    Failed,
    Retry,
    Throttled,
    Fatal,
}

/// What a target of our own may answer.
pub(crate) const FORM: &str = "{\"outcome\": \"added\", \"skipped\", \"filtered\" or \"failed\"}";

/// The text of one row.
pub(crate) fn one_row(call: &Call, row: &InputRow) -> Vec<u8> {
    to_json(&Row { job_id: Some(Written(call.job)), idempotency_key: None, ..sent(call, row) })
}

/// The text of the rows of a batch.
pub(crate) fn many_rows(call: &Call, rows: &[Arc<InputRow>]) -> Vec<u8> {
    let rows = rows.iter().map(|row| sent(call, row)).collect();
    to_json(&Rows { job_id: Written(call.job), rows })
}

fn sent<'a>(call: &'a Call, row: &'a InputRow) -> Row<'a> {
    Row {
        job_id: None,
        row: row.index.row(),
        attempt: call.attempt,
        key: &row.key,
        idempotency_key: Some(Written(call.idempotency_key(row))),
        fields: Fields(&call.columns, row),
    }
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    let mut json = Vec::with_capacity(USUAL_ROW);
    serde_json::to_writer(&mut json, value).expect("texts and numbers can be written to memory");
    json
}

/// What became of the row.
pub(crate) fn answer(said: Said, secrets: &Secrets) -> Answer {
    let (outcome, usual) = match said.outcome {
        Word::Added => (Some(Outcome::Added), "added"),
        Word::Skipped => (Some(Outcome::Skipped), "skipped"),
        Word::Filtered => (Some(Outcome::Filtered), "filtered"),
        Word::Failed => (Some(Outcome::Failed), "failed"),
        Word::Retry => (None, "retry"),
        Word::Throttled => (None, "throttled"),
        Word::Fatal => (None, "fatal"),
    };
    let code = said.code.map(|code| one_line(&code, MAX_CODE)).filter(|code| !code.is_empty());
    let message = said.message.map(|message| secrets.hide(one_line(&message, MAX_MESSAGE)));
    let message = message.filter(|message| !message.is_empty());
    let code = code.map_or(Text::from(usual), Text::from);
    let message = message.map_or(Text::from(usual), Text::from);
    let wait_ms = said.wait_ms.map(|wait_ms| wait_ms.min(MAX_WAIT_MS));
    if let Some(outcome) = outcome {
        let mut verdict = Verdict::new(outcome, code, message);
        verdict.result = said.result.map(|result| secrets.hide(result.get().to_owned()).into());
        return Answer::Done(verdict);
    }
    match said.outcome {
        Word::Throttled => Answer::Throttled { wait_ms: wait_ms.unwrap_or(USUAL_WAIT_MS), message },
        Word::Fatal => Answer::Fatal { code, message, wait_ms },
        Word::Retry | Word::Added | Word::Skipped | Word::Filtered | Word::Failed => {
            Answer::Retry { code, message, wait_ms }
        }
    }
}

/// What an answer says of one row.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) name: Name,
    said: Result<Said, serde_json::Error>,
}

/// Which row an element is about.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Name {
    pub(crate) row: Option<u64>,
    pub(crate) key: Option<String>,
}

/// An element that is as it should be, read in one go: name and what is said together.
#[derive(Deserialize)]
struct Whole {
    row: Option<u64>,
    key: Option<String>,
    outcome: Word,
    code: Option<String>,
    message: Option<String>,
    result: Option<Box<RawValue>>,
    wait_ms: Option<u64>,
}

impl Element {
    /// `None` when the text is no JSON.
    pub(crate) fn read(text: &str) -> Option<Self> {
        if let Ok(Whole { row, key, outcome, code, message, result, wait_ms }) = serde_json::from_str(text) {
            let said = Ok(Said { outcome, code, message, result, wait_ms });
            return Some(Self { name: Name { row, key }, said });
        }
        // What is wrong with one part takes nothing from the other.
        serde_json::from_str::<&RawValue>(text).ok()?;
        let name = serde_json::from_str(text).unwrap_or_default();
        Some(Self { name, said: serde_json::from_str(text) })
    }
}

/// The elements of an answer to a batch: `{"rows": […]}` or the list alone.
pub(crate) fn elements(text: &[u8]) -> Result<Vec<Element>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Listed<'a> {
        #[serde(borrow)]
        rows: Vec<&'a RawValue>,
    }
    let listed = if text.trim_ascii_start().starts_with(b"[") {
        serde_json::from_slice(text)?
    } else {
        serde_json::from_slice::<Listed<'_>>(text)?.rows
    };
    Ok(listed.into_iter().filter_map(|element| Element::read(element.get())).collect())
}

/// Finds each row's element, by its number or else by its key.
pub(crate) fn matched(
    rows: &[Arc<InputRow>],
    elements: Vec<Element>,
    missing: Missing,
    secrets: &Secrets,
) -> Vec<Answer> {
    let (mut by_row, mut by_key) = (HashMap::new(), HashMap::new());
    for Element { name, said } in elements {
        match name {
            Name { row: Some(row), .. } => by_row.insert(row, said),
            Name { key: Some(key), .. } => by_key.insert(key, said),
            Name { row: None, key: None } => None,
        };
    }
    let answers = rows.iter().map(|row| {
        let said = by_row.remove(&row.index.row()).or_else(|| by_key.remove(&*row.key));
        match said {
            Some(Ok(said)) => answer(said, secrets),
            Some(Err(error)) => {
                failed("bad-answer", format!("the answer for this row is not {FORM}: {error}"))
            }
            None => left_out(missing),
        }
    });
    answers.collect()
}

/// A row that the answer to its batch leaves out.
pub(crate) fn left_out(missing: Missing) -> Answer {
    let verdict = Verdict::new(Outcome::Failed, "not-found", "the answer leaves this row out");
    match missing {
        Missing::NotFound => Answer::Done(verdict),
        Missing::RetryAlone => Answer::Confirm(Box::new(verdict)),
    }
}
