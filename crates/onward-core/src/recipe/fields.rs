//! Takes values out of a recipe's tree by name, and gathers everything that is wrong on the way.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::json;

use super::duration;
use super::tree::{Entry, Node, Value};
use crate::problem::{Code, Problem};

/// A recipe with more errors than this is not a recipe; the rest would not be read by anybody.
const MAX_ERRORS: usize = 50;
/// No text of a recipe is longer, in bytes: room for any URL or filter a person writes.
pub(super) const MAX_TEXT: usize = 4_096;
/// A name further away than this is not what was meant: 0 is nothing in common, 1 is the same.
const NEAR: f64 = 0.5;

/// Everything found wrong so far.
pub(super) struct Findings<'a> {
    text: &'a str,
    found: Vec<Finding>,
}

struct Finding {
    at: usize,
    path: String,
    message: String,
    nearest: Option<String>,
}

impl<'a> Findings<'a> {
    /// None yet, in this text.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, found: Vec::new() }
    }

    /// Adds one, at a byte of the text.
    pub(super) fn add(&mut self, at: usize, path: &str, message: impl Into<String>) {
        self.found.push(Finding { at, path: path.to_owned(), message: message.into(), nearest: None });
    }

    /// Adds one that has a nearest allowed word.
    pub(super) fn add_near(&mut self, at: usize, path: &str, message: String, nearest: Option<&str>) {
        let nearest = nearest.map(str::to_owned);
        self.found.push(Finding { at, path: path.to_owned(), message, nearest });
    }

    /// The problem for people, if anything was found.
    pub(super) fn into_problem(mut self) -> Option<Problem> {
        self.found.sort_by_key(|finding| finding.at);
        let places: Vec<_> = self.found.iter().map(|finding| place(self.text, finding.at)).collect();
        let (first, (line, column)) = self.found.first().zip(places.first())?;
        let rest = match self.found.len() - 1 {
            0 => String::new(),
            1 => " (and one more error)".to_owned(),
            more => format!(" (and {more} more errors)"),
        };
        let detail = format!("line {line}, column {column}: {}{rest}", first.message);
        let list: Vec<_> = self.found.iter().zip(&places).take(MAX_ERRORS).map(as_json).collect();
        Some(Problem::new(Code::RecipeInvalid, detail).with("errors", list))
    }
}

fn as_json((finding, (line, column)): (&Finding, &(usize, usize))) -> serde_json::Value {
    json!({ "message": finding.message, "line": line, "column": column, "path": finding.path,
            "nearest": finding.nearest })
}

/// Line and column of a byte, both from 1; columns count characters.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The keys of one table; what nobody asks for is unknown.
pub(super) struct Fields<'n> {
    at: usize,
    path: String,
    entries: Vec<&'n Entry>,
    asked: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The table at `path`, or a finding.
    pub(super) fn of(node: &'n Node, path: &str, findings: &mut Findings<'_>) -> Option<Self> {
        let Value::Table(entries) = &node.value else {
            findings.add(node.at, path, format!("`{path}` must be a table, not {}", node.value.kind()));
            return None;
        };
        Some(Self { at: node.at, path: path.to_owned(), entries: entries.iter().collect(), asked: vec![] })
    }

    /// Where the table begins.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The full name of a key in it.
    pub(super) fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Where a key that was not taken yet stands, if it is there.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.entries.iter().find(|entry| entry.key == name).map(|entry| entry.at)
    }

    /// Takes a key's value.
    pub(super) fn take(&mut self, name: &'static str) -> Option<&'n Node> {
        self.asked.push(name);
        let at = self.entries.iter().position(|entry| entry.key == name)?;
        Some(&self.entries.swap_remove(at).node)
    }

    /// Takes a table inside this one.
    pub(super) fn table(&mut self, name: &'static str, findings: &mut Findings<'_>) -> Option<Fields<'n>> {
        let path = self.path(name);
        self.take(name).and_then(|node| Fields::of(node, &path, findings))
    }

    /// Takes a text that is not empty.
    pub(super) fn text(&mut self, name: &'static str, findings: &mut Findings<'_>) -> Option<String> {
        let path = self.path(name);
        self.take(name).and_then(|node| text(node, &path, findings))
    }

    /// Takes a text that is exactly one character.
    pub(super) fn character(&mut self, name: &'static str, findings: &mut Findings<'_>) -> Option<char> {
        let path = self.path(name);
        let node = self.take(name)?;
        let text = text(node, &path, findings)?;
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(only), None) => Some(only),
            _ => {
                findings.add(node.at, &path, format!("`{path}` must be one character, not {text:?}"));
                None
            }
        }
    }

    /// Takes a whole number within a range.
    pub(super) fn whole(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i64>,
        findings: &mut Findings<'_>,
    ) -> Option<i64> {
        let path = self.path(name);
        let node = self.take(name)?;
        let found = match &node.value {
            Value::Whole(number) if range.contains(number) => return Some(*number),
            Value::Whole(number) => number.to_string(),
            Value::Decimal(number) => number.to_string(),
            Value::Text(_) | Value::Bool(_) | Value::List(_) | Value::Table(_) | Value::Other(_) => {
                node.value.kind().to_owned()
            }
        };
        let (low, high) = (range.start(), range.end());
        let message = format!("`{path}` is {found}; allowed is a whole number from {low} to {high}");
        findings.add(node.at, &path, message);
        None
    }

    /// Takes a share: more than 0, at most 1.
    pub(super) fn share(&mut self, name: &'static str, findings: &mut Findings<'_>) -> Option<f64> {
        let path = self.path(name);
        let node = self.take(name)?;
        let number = match node.value {
            Value::Whole(number) => number as f64,
            Value::Decimal(number) => number,
            Value::Text(_) | Value::Bool(_) | Value::List(_) | Value::Table(_) | Value::Other(_) => f64::NAN,
        };
        if number > 0.0 && number <= 1.0 {
            return Some(number);
        }
        findings.add(node.at, &path, format!("`{path}` must be a number above 0 and up to 1, such as 0.5"));
        None
    }

    /// Takes true or false.
    pub(super) fn truth(&mut self, name: &'static str, findings: &mut Findings<'_>) -> Option<bool> {
        let path = self.path(name);
        let node = self.take(name)?;
        if let Value::Bool(truth) = node.value {
            return Some(truth);
        }
        findings.add(node.at, &path, format!("`{path}` must be true or false, not {}", node.value.kind()));
        None
    }

    /// Takes a duration within a range of milliseconds.
    pub(super) fn duration(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
        findings: &mut Findings<'_>,
    ) -> Option<u64> {
        let path = self.path(name);
        let node = self.take(name)?;
        let (low, high) = (duration::format(*range.start()), duration::format(*range.end()));
        let allowed = format!("write a duration from {low} to {high}, such as 500ms, 30s, 5min or 1h");
        let Value::Text(text) = &node.value else {
            let kind = node.value.kind();
            findings.add(node.at, &path, format!("`{path}` must be text, not {kind}; {allowed}"));
            return None;
        };
        let read = duration::parse(text);
        if let Some(ms) = read.filter(|ms| range.contains(ms)) {
            return Some(ms);
        }
        let why = if read.is_some() { "out of range" } else { "no duration" };
        findings.add(node.at, &path, format!("`{path}` is {text:?}, which is {why}; {allowed}"));
        None
    }

    /// Takes a list of texts with at most `most` of them.
    pub(super) fn texts(
        &mut self,
        name: &'static str,
        most: usize,
        findings: &mut Findings<'_>,
    ) -> Option<Vec<String>> {
        let path = self.path(name);
        self.take(name).and_then(|node| texts(node, &path, most, findings))
    }

    /// Takes a table of texts under names of the person's choice, at most `most` of them.
    pub(super) fn named_texts(
        &mut self,
        name: &'static str,
        most: usize,
        findings: &mut Findings<'_>,
    ) -> BTreeMap<String, String> {
        let mut named = BTreeMap::new();
        let Some(table) = self.table(name, findings) else { return named };
        table.at_most(most, findings);
        for entry in &table.entries {
            if let Some(text) = text(&entry.node, &table.path(&entry.key), findings) {
                named.insert(entry.key.clone(), text);
            }
        }
        named
    }

    /// The entries that were not taken, for tables whose names are the person's choice.
    pub(super) fn entries(&self) -> &[&'n Entry] {
        &self.entries
    }

    /// Complains when the table has more entries than `most`.
    pub(super) fn at_most(&self, most: usize, findings: &mut Findings<'_>) {
        if self.entries.len() > most {
            let found = self.entries.len();
            findings.add(
                self.at,
                &self.path,
                format!("`{}` has {found} entries; allowed are {most}", self.path),
            );
        }
    }

    /// Complains about every key nobody asked for.
    pub(super) fn end(self, findings: &mut Findings<'_>) {
        for entry in &self.entries {
            let path = self.path(&entry.key);
            let nearest = nearest(&entry.key, &self.asked);
            let message = match nearest {
                Some(near) => format!("`{path}` is not a key of a recipe; did you mean `{near}`?"),
                None => {
                    format!("`{path}` is not a key of a recipe; known here are {}", self.asked.join(", "))
                }
            };
            findings.add_near(entry.at, &path, message, nearest);
        }
    }
}

/// A text that is neither empty nor too long.
pub(super) fn text(node: &Node, path: &str, findings: &mut Findings<'_>) -> Option<String> {
    let wrong = if let Value::Text(text) = &node.value {
        match text.len() {
            0 => "is empty".to_owned(),
            1..=MAX_TEXT => return Some(text.clone()),
            _ => format!("is longer than {MAX_TEXT} bytes"),
        }
    } else {
        format!("must be text, not {}", node.value.kind())
    };
    findings.add(node.at, path, format!("`{path}` {wrong}"));
    None
}

/// A list of texts.
pub(super) fn texts(
    node: &Node,
    path: &str,
    most: usize,
    findings: &mut Findings<'_>,
) -> Option<Vec<String>> {
    let Value::List(items) = &node.value else {
        findings.add(node.at, path, format!("`{path}` must be a list of texts, not {}", node.value.kind()));
        return None;
    };
    if items.len() > most {
        let found = items.len();
        findings.add(node.at, path, format!("`{path}` has {found} entries; allowed are {most}"));
        return None;
    }
    Some(items.iter().filter_map(|item| text(item, path, findings)).collect())
}

/// The name a person most likely meant.
pub(super) fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let near = |known: &&'k str| (strsim::normalized_damerau_levenshtein(name, known), *known);
    let best = known.iter().map(near).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= NEAR).then_some(best.1)
}
