//! Reads `[work]` and `[answer]`: every key, its range, and which kind of work it belongs to.

use super::fields::{Fields, Findings, text, texts};
use super::read::{MAX_LIST, number, word};
use super::tree::Value;
use super::{AnswerRules, Command, CommandMode, Method, Missing, Work, WorkKind};
use crate::pace::Rate;
use crate::retry::RetryPolicy;

/// Calls in flight: beyond it the machine runs out of sockets first.
const CONCURRENCY: std::ops::RangeInclusive<i64> = 1..=10_000;
/// Rows in one call: no API takes more, and an answer for them fits into its megabyte.
const BATCH: std::ops::RangeInclusive<i64> = 1..=1_000;
/// Rows in flight, so `concurrency` times `batch`: they are all in memory, and in doubt after a crash.
const MAX_SLOTS: u32 = 100_000;
/// Children of one job: each is a program of its own in memory.
const PROCESSES: std::ops::RangeInclusive<i64> = 1..=256;
/// Redirects that are followed: as many as a moved API needs.
pub(super) const REDIRECTS: std::ops::RangeInclusive<i64> = 0..=3;
/// One call: longer than an hour is a job of its own.
const TIMEOUT_MS: std::ops::RangeInclusive<u64> = 1..=3_600_000;
/// Calls for one row: with the waits doubling, 100 is days.
const ATTEMPTS: std::ops::RangeInclusive<i64> = 1..=100;
/// Waits between calls: as the longest wait a target may ask for.
const WAIT_MS: std::ops::RangeInclusive<u64> = 0..=crate::pace::MAX_WAIT_MS;
/// Stuck: under a second nothing can be told, beyond a day nobody waits.
const STUCK_AFTER_MS: std::ops::RangeInclusive<u64> = 1_000..=86_400_000;

/// The keys that belong to some kinds of work only, and to which.
const OWN: [(&str, &[WorkKind]); 13] = [
    ("url", &[WorkKind::Http]),
    ("method", &[WorkKind::Http]),
    ("headers", &[WorkKind::Http]),
    ("body", &[WorkKind::Http]),
    ("join", &[WorkKind::Http]),
    ("redirects", &[WorkKind::Http]),
    ("batch", &[WorkKind::Http, WorkKind::Command]),
    ("missing", &[WorkKind::Http, WorkKind::Command]),
    ("command", &[WorkKind::Command]),
    ("mode", &[WorkKind::Command]),
    ("processes", &[WorkKind::Command]),
    ("env", &[WorkKind::Command]),
    ("stuck_after", &[WorkKind::Creators, WorkKind::Http, WorkKind::Command]),
];

pub(super) fn work(mut fields: Fields<'_>, findings: &mut Findings<'_>) -> Option<Work> {
    let kinds = [("creators", WorkKind::Creators), ("http", WorkKind::Http), ("command", WorkKind::Command)];
    if fields.place("kind").is_none() {
        let message = "`work.kind` is missing; write creators, http or command";
        findings.add(fields.at(), "work.kind", message);
    }
    let places = OWN.map(|(name, kinds)| (name, kinds, fields.place(name)));
    let at = fields.at();
    let kind = word(&mut fields, "kind", &kinds, findings);
    let work = Work {
        kind: kind.unwrap_or(WorkKind::Creators),
        concurrency: number(fields.whole("concurrency", CONCURRENCY, findings))
            .unwrap_or_else(super::work::default_concurrency),
        rate: rate(&mut fields, findings),
        max_wait: fields
            .duration("max_wait", WAIT_MS, findings)
            .unwrap_or_else(super::work::default_max_wait),
        timeout: fields
            .duration("timeout", TIMEOUT_MS, findings)
            .unwrap_or_else(super::work::default_timeout),
        retry: fields.table("retry", findings).map(|fields| retry(fields, findings)).unwrap_or_default(),
        stuck_after: fields.duration("stuck_after", STUCK_AFTER_MS, findings),
        batch: number(fields.whole("batch", BATCH, findings)).unwrap_or(1),
        missing: word(&mut fields, "missing", &MISSING, findings).unwrap_or_default(),
        url: fields.text("url", findings),
        join: fields.text("join", findings),
        method: word(&mut fields, "method", &METHODS, findings),
        headers: fields.named_texts("headers", MAX_LIST, findings),
        body: fields.text("body", findings),
        redirects: number(fields.whole("redirects", REDIRECTS, findings)).unwrap_or(0),
        command: command(&mut fields, findings),
        mode: word(&mut fields, "mode", &MODES, findings),
        processes: number(fields.whole("processes", PROCESSES, findings)),
        env: fields.texts("env", MAX_LIST, findings).unwrap_or_default(),
    };
    fields.end(findings);
    let kind = kind?;
    fits(kind, at, &places, findings);
    together(&work, at, &places, findings);
    Some(work)
}

const MISSING: [(&str, Missing); 2] =
    [("retry-alone", Missing::RetryAlone), ("not-found", Missing::NotFound)];
const MODES: [(&str, CommandMode); 2] = [("lines", CommandMode::Lines), ("row", CommandMode::Row)];
const METHODS: [(&str, Method); 5] = [
    ("GET", Method::Get),
    ("POST", Method::Post),
    ("PUT", Method::Put),
    ("PATCH", Method::Patch),
    ("DELETE", Method::Delete),
];

type Places = [(&'static str, &'static [WorkKind], Option<usize>); 13];

/// Complains about keys of another kind of work, and about those this kind cannot do without.
fn fits(kind: WorkKind, at: usize, places: &Places, findings: &mut Findings<'_>) {
    let (word, needs) = match kind {
        WorkKind::Creators => ("creators", None),
        WorkKind::Http => ("http", Some("url")),
        WorkKind::Command => ("command", Some("command")),
    };
    for (name, kinds, place) in places {
        match place {
            Some(place) if !kinds.contains(&kind) => {
                let hint = match (kind, *name) {
                    (WorkKind::Creators, "url") => "; the address of a look-up is `url` in `[fetch]`",
                    (WorkKind::Creators, "headers" | "redirects") => "; write it in `[fetch]`",
                    _ => "",
                };
                let message = format!("`work.{name}` does not belong to {word} work{hint}");
                findings.add(*place, &format!("work.{name}"), message);
            }
            None if needs == Some(*name) => {
                findings.add(at, &format!("work.{name}"), format!("{word} work needs `work.{name}`"));
            }
            Some(_) | None => {}
        }
    }
}

/// Complains about keys that make no sense beside each other.
fn together(work: &Work, at: usize, places: &Places, findings: &mut Findings<'_>) {
    let place = |name: &str| places.iter().find(|known| known.0 == name).and_then(|known| known.2);
    let mut complain = |name: &str, message: String| {
        findings.add(place(name).unwrap_or(at), &format!("work.{name}"), message);
    };
    let rows = work.kind == WorkKind::Command && work.mode != Some(CommandMode::Lines);
    if rows && work.batch > 1 {
        complain("batch", "`work.batch` needs mode = \"lines\"; in mode row each row has a process".into());
    }
    if rows && work.processes.is_some() {
        let message = "`work.processes` needs mode = \"lines\"; in mode row it is `concurrency` that counts";
        complain("processes", message.into());
    }
    if work.batch == 1 && place("missing").is_some() {
        complain("missing", "`work.missing` needs `work.batch`".into());
    }
    if work.batch == 1 && work.join.is_some() {
        complain("join", "`work.join` needs `work.batch`".into());
    }
    if work.concurrency.saturating_mul(work.batch) > MAX_SLOTS {
        let message = format!(
            "`work.batch` times `work.concurrency` is {} rows in flight; allowed are {MAX_SLOTS}",
            u64::from(work.concurrency) * u64::from(work.batch)
        );
        complain("batch", message);
    }
    let bodiless = matches!(work.method, Some(Method::Get | Method::Delete));
    if bodiless && work.body.is_some() {
        complain("body", "a GET or DELETE has no body; put the fields into `work.url`".into());
    }
}

fn command(fields: &mut Fields<'_>, findings: &mut Findings<'_>) -> Option<Command> {
    let node = fields.take("command")?;
    match &node.value {
        Value::Text(_) => text(node, "work.command", findings).map(Command::Named),
        Value::List(items) if items.is_empty() => {
            let message = "`work.command` is empty; name the program and its arguments";
            findings.add(node.at, "work.command", message);
            None
        }
        Value::List(_) => texts(node, "work.command", MAX_LIST, findings).map(Command::Argv),
        Value::Whole(_) | Value::Decimal(_) | Value::Bool(_) | Value::Table(_) | Value::Other(_) => {
            let kind = node.value.kind();
            let message = format!(
                "`work.command` must be a list such as [\"python3\", \"row.py\"], or the name of a command of \
                 the server's, not {kind}"
            );
            findings.add(node.at, "work.command", message);
            None
        }
    }
}

fn rate(fields: &mut Fields<'_>, findings: &mut Findings<'_>) -> Option<Rate> {
    let node = fields.take("rate")?;
    let text = text(node, "work.rate", findings)?;
    match text.parse() {
        Ok(rate) => Some(rate),
        Err(error) => {
            findings.add(node.at, "work.rate", format!("`work.rate` is {text:?}; {error}"));
            None
        }
    }
}

fn retry(mut fields: Fields<'_>, findings: &mut Findings<'_>) -> RetryPolicy {
    let usual = RetryPolicy::default();
    let attempts = number(fields.whole("attempts", ATTEMPTS, findings)).unwrap_or(usual.attempts);
    let base_ms = fields.duration("base", WAIT_MS, findings).unwrap_or(usual.base_ms);
    let max_ms = fields.duration("max", WAIT_MS, findings);
    if max_ms.is_some_and(|max_ms| max_ms < base_ms) {
        let message = "`work.retry.max` is shorter than `work.retry.base`, the first wait";
        findings.add(fields.at(), "work.retry.max", message);
    }
    fields.end(findings);
    RetryPolicy { attempts, base_ms, max_ms: max_ms.unwrap_or_else(|| usual.max_ms.max(base_ms)) }
}

pub(super) fn answer(mut fields: Fields<'_>, findings: &mut Findings<'_>) -> AnswerRules {
    let (items_at, match_at) = (fields.place("items"), fields.place("match"));
    let rules = AnswerRules {
        fatal: fields.text("fatal", findings),
        quota: fields.text("quota", findings),
        throttled: fields.text("throttled", findings),
        retry: fields.text("retry", findings),
        not_found: fields.text("not_found", findings),
        failed: fields.text("failed", findings),
        filtered: fields.text("filtered", findings),
        skipped: fields.text("skipped", findings),
        added: fields.text("added", findings),
        items: fields.text("items", findings),
        matches: fields.text("match", findings),
        result: fields.text("result", findings),
        message: fields.text("message", findings),
    };
    fields.end(findings);
    if let (Some(at), None) = (items_at, match_at) {
        let message = "`answer.items` needs `answer.match`, such as \"item.id == channel_id\"";
        findings.add(at, "answer.match", message);
    }
    if let (None, Some(at)) = (items_at, match_at) {
        findings.add(at, "answer.items", "`answer.match` needs `answer.items`, such as \"body.items\"");
    }
    rules
}
