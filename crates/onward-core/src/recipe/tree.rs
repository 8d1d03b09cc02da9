//! A recipe's text as a tree in which every key and value knows where it stands, for TOML and JSON.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Recipes are four levels deep at most; whatever is nested deeper is shown as an error, not walked.
const MAX_DEPTH: usize = 8;

/// A value and the byte at which it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// Byte offset in the text.
    pub(super) at: usize,
    /// The value.
    pub(super) value: Value,
}

/// A value, whichever language it was written in.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Whole(i64),
    Decimal(f64),
    Bool(bool),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// Something no recipe holds; the word says what.
    Other(&'static str),
}

impl Value {
    /// What it is, for a sentence.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Whole(_) => "a whole number",
            Self::Decimal(_) => "a decimal number",
            Self::Bool(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(word) => word,
        }
    }
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    /// Byte offset of the key.
    pub(super) at: usize,
    pub(super) node: Node,
}

/// The text is not even well-formed: what, and at which byte.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Malformed {
    pub(super) at: usize,
    pub(super) message: String,
}

/// Reads TOML.
pub(super) fn from_toml(text: &str) -> Result<Node, Malformed> {
    let table = DeTable::parse(text).map_err(|error| Malformed {
        at: error.span().map_or(0, |span| span.start),
        message: format!("this is not TOML: {}", error.message().replace('\n', "; ")),
    })?;
    Ok(Node { at: 0, value: toml_table(table.get_ref(), 0) })
}

/// Reads JSON.
pub(super) fn from_json(text: &str) -> Result<Node, Malformed> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| Malformed {
        at: offset(text, error.line(), error.column()),
        message: format!("this is not JSON: {}", sentence(&error)),
    })?;
    json_node(text, raw, 0)
}

fn toml_table(table: &DeTable<'_>, depth: usize) -> Value {
    let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let key: &Spanned<std::borrow::Cow<'_, str>> = key;
        Entry { key: key.get_ref().to_string(), at: key.span().start, node: toml_node(value, depth + 1) }
    };
    Value::Table(table.iter().map(entry).collect())
}

fn toml_node(value: &Spanned<DeValue<'_>>, depth: usize) -> Node {
    let at = value.span().start;
    let value = match value.get_ref() {
        DeValue::Array(_) | DeValue::Table(_) if depth > MAX_DEPTH => Value::Other("nested too deeply"),
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("a number out of range"), Value::Whole),
        DeValue::Float(number) => {
            number.as_str().parse().map_or(Value::Other("a number out of range"), Value::Decimal)
        }
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => Value::List(items.iter().map(|item| toml_node(item, depth + 1)).collect()),
        DeValue::Table(table) => toml_table(table, depth),
    };
    Node { at, value }
}

fn json_node(text: &str, raw: &RawValue, depth: usize) -> Result<Node, Malformed> {
    let json = raw.get();
    // The raw value borrows from the text, so the distance of the two is its place.
    let at = (json.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let wrong = |error: serde_json::Error| Malformed { at, message: sentence(&error) };
    let value = match json.as_bytes().first() {
        Some(b'{' | b'[') if depth > MAX_DEPTH => Value::Other("nested too deeply"),
        Some(b'{') => {
            let Pairs(pairs) = serde_json::from_str(json).map_err(wrong)?;
            let entries = pairs.into_iter().map(|(key, raw)| {
                let node = json_node(text, raw, depth + 1)?;
                let at = text[..node.at].rfind(&format!("\"{key}\"")).unwrap_or(node.at);
                Ok(Entry { key, at, node })
            });
            Value::Table(entries.collect::<Result<_, _>>()?)
        }
        Some(b'[') => {
            let Items(items) = serde_json::from_str(json).map_err(wrong)?;
            let nodes = items.into_iter().map(|raw| json_node(text, raw, depth + 1));
            Value::List(nodes.collect::<Result<_, _>>()?)
        }
        Some(b'"') => Value::Text(serde_json::from_str(json).map_err(wrong)?),
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'n') => Value::Other("null"),
        _ => json_number(json),
    };
    Ok(Node { at, value })
}

fn json_number(json: &str) -> Value {
    if let Ok(whole) = json.parse() {
        return Value::Whole(whole);
    }
    match json.parse::<f64>() {
        Ok(number) if number.is_finite() => Value::Decimal(number),
        _ => Value::Other("a number out of range"),
    }
}

fn sentence(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

/// The byte at a line and column as serde_json counts them (columns are bytes).
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut at = (before + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The members of an object in their order; a repeated name is an error.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs: Vec<(String, &RawValue)> = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    if pairs.iter().any(|(known, _)| *known == key) {
                        return Err(serde::de::Error::custom(format!("`{key}` stands here twice")));
                    }
                    pairs.push((key, value));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

struct Items<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;
        impl<'de> Visitor<'de> for Elements {
            type Value = Items<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<&RawValue>()? {
                    items.push(item);
                }
                Ok(Items(items))
            }
        }
        deserializer.deserialize_seq(Elements)
    }
}
