//! From a recipe's tree to the recipe: every key, its range, and what only makes sense together.

use std::collections::BTreeMap;

use super::fields::{Fields, Findings, MAX_TEXT, nearest, text, texts};
use super::read_work::{REDIRECTS, answer, work};
use super::tree::{Malformed, Node, Value};
use super::{Add, Breaker, Fetch, Filter, Headers, InDoubt, InputOptions, Recipe, Stop, WorkKind, hooks};
use crate::doubt::Policy;
use crate::problem::Problem;

/// A recipe is a page of text; a larger one was not written by a person. In bytes.
const MAX_RECIPE: usize = 256 * 1024;
/// Identity is a handle, perhaps with a platform; eight fields are more than anybody needs.
const MAX_KEY_FIELDS: usize = 8;
/// As many columns as the intake takes.
const MAX_COLUMNS: usize = 1_024;
/// Headers that are tried for one field, headers of a call, and words of a command.
pub(super) const MAX_LIST: usize = 256;
/// Finished rows that may be lost to a crash, and so repeated: 10,000 is a large commit.
const CHECKPOINT_EVERY: std::ops::RangeInclusive<i64> = 1..=10_000;
/// Failures that open the breaker; 0 switches it off.
const FAILURES_IN_A_ROW: std::ops::RangeInclusive<i64> = 0..=10_000;
/// Failed rows that stop the job: as many as a file may have rows.
const FAILED_ROWS: std::ops::RangeInclusive<i64> = 1..=10_000_000;
/// A list's name is at most so long.
const MAX_TABLE_CHARS: usize = 48;
/// Names that expressions use for an answer.
const RESERVED: [&str; 4] = ["status", "headers", "body", "item"];

/// Reads a recipe with the reader of its language.
pub(super) fn recipe(text: &str, tree: fn(&str) -> Result<Node, Malformed>) -> Result<Recipe, Problem> {
    let text = text.trim_start_matches('\u{feff}');
    let mut findings = Findings::new(text);
    let recipe = if text.len() > MAX_RECIPE {
        findings.add(0, "", format!("a recipe is at most {MAX_RECIPE} bytes long; this has {}", text.len()));
        None
    } else {
        match tree(text) {
            Ok(node) => whole(&node, &mut findings),
            Err(malformed) => {
                findings.add(malformed.at, "", malformed.message);
                None
            }
        }
    };
    match (findings.into_problem(), recipe) {
        (None, Some(recipe)) => Ok(recipe),
        (Some(problem), _) => Err(problem),
        (None, None) => Err(Problem::new(crate::problem::Code::RecipeInvalid, "the recipe cannot be read")),
    }
}

fn whole(node: &Node, findings: &mut Findings<'_>) -> Option<Recipe> {
    let mut top = Fields::of(node, "", findings)?;
    let name = top.text("name", findings);
    let key = top.texts("key", MAX_KEY_FIELDS, findings).unwrap_or_default();
    let checkpoint_every = number(top.whole("checkpoint_every", CHECKPOINT_EVERY, findings));
    let input = top.table("input", findings).map(|fields| input(fields, findings)).unwrap_or_default();
    let columns = top.table("columns", findings).map(|fields| columns(&fields, findings)).unwrap_or_default();
    let work_table = top.table("work", findings);
    if work_table.is_none() {
        findings.add(
            top.at(),
            "work",
            "`[work]` is missing; it says what to do, such as kind = \"creators\"",
        );
    }
    let work = work_table.and_then(|fields| work(fields, findings));
    let answer_at = top.place("answer");
    let answer = top.table("answer", findings).map(|fields| answer(fields, findings));
    let fetch_at = top.place("fetch");
    let fetch = top.table("fetch", findings).and_then(|fields| fetch(fields, findings));
    let filter_at = top.place("filter");
    let filter = top.table("filter", findings).and_then(|fields| filter(fields, findings));
    let add_at = top.place("add");
    let add = top.table("add", findings).map(|fields| add(fields, findings));
    let in_doubt_at = top.place("in_doubt");
    let in_doubt = top.table("in_doubt", findings).map(|fields| in_doubt(fields, findings));
    let breaker = top.table("breaker", findings).and_then(|fields| breaker(fields, findings));
    let stop = top.table("stop", findings).map(|fields| stop(fields, findings));
    let hooks = top.take("hooks").map(|node| hooks::hooks(node, findings)).unwrap_or_default();
    if work.as_ref().is_some_and(|work| work.kind != WorkKind::Creators) {
        for (name, at) in [("fetch", fetch_at), ("filter", filter_at), ("add", add_at)] {
            if let Some(at) = at {
                findings.add(at, name, format!("`[{name}]` belongs to creators work only"));
            }
        }
    }
    if let Some(at) =
        in_doubt_at.filter(|_| work.as_ref().is_some_and(|work| work.kind == WorkKind::Creators))
    {
        let message =
            "`[in_doubt]` belongs to http and command work; creators work changes nothing but its own ledger";
        findings.add(at, "in_doubt", message);
    }
    if let Some(at) = answer_at.filter(|_| work.as_ref().is_some_and(|work| work.kind != WorkKind::Http)) {
        let message = "`[answer]` belongs to http work only; the rules of a look-up stand in `[fetch]`";
        findings.add(at, "answer", message);
    }
    if let Some(at) = fetch_at.or(answer_at) {
        for field in columns.keys().filter(|field| RESERVED.contains(&field.as_str())) {
            let why = "is what expressions call a part of the answer; give the field another name";
            findings.add(at, &format!("columns.{field}"), format!("`{field}` {why}"));
        }
    }
    top.end(findings);
    let work = work?;
    Some(Recipe {
        name,
        key,
        checkpoint_every: checkpoint_every.unwrap_or_else(super::default_checkpoint_every),
        input,
        columns,
        work,
        answer,
        fetch,
        filter,
        add,
        in_doubt,
        breaker,
        stop,
        hooks,
    })
}

fn input(mut fields: Fields<'_>, findings: &mut Findings<'_>) -> InputOptions {
    let options = InputOptions {
        encoding: fields.text("encoding", findings),
        delimiter: fields.character("delimiter", findings),
        header: fields.truth("header", findings),
        names: fields.texts("names", MAX_COLUMNS, findings).unwrap_or_default(),
        comment: fields.character("comment", findings),
        allow_empty: fields.truth("allow_empty", findings).unwrap_or(false),
    };
    fields.end(findings);
    options
}

fn columns(fields: &Fields<'_>, findings: &mut Findings<'_>) -> BTreeMap<String, Headers> {
    fields.at_most(MAX_COLUMNS, findings);
    let mut columns = BTreeMap::new();
    for entry in fields.entries() {
        let path = fields.path(&entry.key);
        if !is_name(&entry.key) {
            let why = "is no name for a field: letters, digits and _ only, so that expressions can use it";
            findings.add(entry.at, &path, format!("`{}` {why}", entry.key));
        }
        let headers = match &entry.node.value {
            Value::List(items) if items.is_empty() => {
                findings.add(entry.node.at, &path, format!("`{path}` names no header"));
                None
            }
            Value::List(_) => texts(&entry.node, &path, MAX_LIST, findings).map(Headers::Any),
            Value::Text(_)
            | Value::Whole(_)
            | Value::Decimal(_)
            | Value::Bool(_)
            | Value::Table(_)
            | Value::Other(_) => text(&entry.node, &path, findings).map(Headers::One),
        };
        columns.extend(headers.map(|headers| (entry.key.clone(), headers)));
    }
    columns
}

fn fetch(mut fields: Fields<'_>, findings: &mut Findings<'_>) -> Option<Fetch> {
    let url = required(&mut fields, "url", "the address to look a row up at", findings);
    let headers = fields.named_texts("headers", MAX_LIST, findings);
    let fetch = Fetch {
        url: url.unwrap_or_default(),
        headers,
        redirects: number(fields.whole("redirects", REDIRECTS, findings)).unwrap_or(0),
        fatal: fields.text("fatal", findings),
        quota: fields.text("quota", findings),
        throttled: fields.text("throttled", findings),
        retry: fields.text("retry", findings),
        not_found: fields.text("not_found", findings),
    };
    fields.end(findings);
    (!fetch.url.is_empty()).then_some(fetch)
}

fn filter(mut fields: Fields<'_>, findings: &mut Findings<'_>) -> Option<Filter> {
    let keep = required(&mut fields, "keep", "an expression that is true for rows to keep", findings);
    fields.end(findings);
    Some(Filter { keep: keep? })
}

fn add(mut fields: Fields<'_>, findings: &mut Findings<'_>) -> Add {
    let place = fields.place("table");
    let table = fields.text("table", findings).unwrap_or_else(super::default_table);
    if !is_table(&table) {
        let why = "is no name for a list: a small letter, then small letters, digits and _, at most";
        let message = format!("`{table}` {why} {MAX_TABLE_CHARS} characters");
        findings.add(place.unwrap_or(fields.at()), "add.table", message);
    }
    let columns = fields.named_texts("columns", MAX_LIST, findings);
    fields.end(findings);
    Add { table, columns }
}

fn in_doubt(mut fields: Fields<'_>, findings: &mut Findings<'_>) -> InDoubt {
    let policies = [("retry", Policy::Retry), ("hold", Policy::Hold), ("ask", Policy::Ask)];
    let at = fields.at();
    let own = ["url", "headers", "done"].map(|name| (name, fields.place(name)));
    let in_doubt = InDoubt {
        policy: word(&mut fields, "policy", &policies, findings).unwrap_or_default(),
        url: fields.text("url", findings),
        headers: fields.named_texts("headers", MAX_LIST, findings),
        done: fields.text("done", findings),
    };
    fields.end(findings);
    let asks = in_doubt.policy == Policy::Ask;
    if asks && own[0].1.is_none() {
        let message = "`in_doubt.url` is missing: the address to ask whether a row is done";
        findings.add(at, "in_doubt.url", message);
    }
    for (name, place) in own {
        if let Some(place) = place.filter(|_| !asks) {
            findings.add(
                place,
                &format!("in_doubt.{name}"),
                format!("`in_doubt.{name}` needs policy = \"ask\""),
            );
        }
    }
    in_doubt
}

fn breaker(mut fields: Fields<'_>, findings: &mut Findings<'_>) -> Option<Breaker> {
    if fields.place("failures_in_a_row").is_none() {
        let message = "`[breaker]` needs `failures_in_a_row`, such as 10";
        findings.add(fields.at(), "breaker.failures_in_a_row", message);
    }
    let failures = number(fields.whole("failures_in_a_row", FAILURES_IN_A_ROW, findings));
    fields.end(findings);
    Some(Breaker { failures_in_a_row: failures? })
}

fn stop(mut fields: Fields<'_>, findings: &mut Findings<'_>) -> Stop {
    let failed_share = fields.share("failed_share", findings);
    let failed_rows = fields.whole("failed_rows", FAILED_ROWS, findings);
    fields.end(findings);
    Stop { failed_share, failed_rows: failed_rows.and_then(|rows| u64::try_from(rows).ok()) }
}

pub(super) fn required(
    fields: &mut Fields<'_>,
    name: &'static str,
    what: &str,
    findings: &mut Findings<'_>,
) -> Option<String> {
    if fields.place(name).is_none() {
        let path = fields.path(name);
        findings.add(fields.at(), &path, format!("`{path}` is missing: {what}"));
    }
    fields.text(name, findings)
}

/// Takes one of a few fixed words.
pub(super) fn word<T: Copy>(
    fields: &mut Fields<'_>,
    name: &'static str,
    words: &[(&'static str, T)],
    findings: &mut Findings<'_>,
) -> Option<T> {
    let path = fields.path(name);
    let node = fields.take(name)?;
    let found = text(node, &path, findings)?;
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == found) {
        return Some(*value);
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let near = nearest(&found, &known);
    findings.add_near(
        node.at,
        &path,
        format!("`{path}` is {found:?}; allowed are {}", known.join(", ")),
        near,
    );
    None
}

/// Every range of a recipe lies within 32 bits.
pub(super) fn number(whole: Option<i64>) -> Option<u32> {
    whole.and_then(|whole| u32::try_from(whole).ok())
}

/// What an expression can use as a name.
fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    name.len() <= MAX_TEXT
        && chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_table(name: &str) -> bool {
    let mut chars = name.chars();
    name.len() <= MAX_TABLE_CHARS
        && chars.next().is_some_and(|first| first.is_ascii_lowercase())
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
