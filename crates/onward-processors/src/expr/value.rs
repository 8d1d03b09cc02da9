//! The values expressions work on: borrowed from the row and the answer wherever possible.

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::{Map, Value as Json};

/// A value during one evaluation.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    /// There is no value; the text names what is missing. Unknown, never an error.
    Missing(&'a str),
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    /// A list out of the answer.
    Array(&'a [Json]),
    /// An object out of the answer.
    Object(&'a Map<String, Json>),
    /// A list the expression made.
    List(Rc<Vec<Value<'a>>>),
}

impl<'a> Value<'a> {
    /// A value out of an answer; null is missing under the name `what`.
    pub(crate) fn of_json(json: &'a Json, what: &'a str) -> Self {
        match json {
            Json::Null => Self::Missing(what),
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => match number.as_i64() {
                Some(whole) => Self::Int(whole),
                None => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::Text(Cow::Borrowed(text)),
            Json::Array(items) => Self::Array(items),
            Json::Object(members) => Self::Object(members),
        }
    }

    /// A member of an object. What has no such member, or is no object, has it missing under `what`;
    /// what is missing stays missing under its own name.
    pub(crate) fn member(&self, name: &str, what: &'a str) -> Self {
        match self {
            Self::Object(members) => {
                members.get(name).map_or(Self::Missing(what), |json| Self::of_json(json, what))
            }
            Self::Missing(name) => Self::Missing(name),
            Self::Bool(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Text(_)
            | Self::Array(_)
            | Self::List(_) => Self::Missing(what),
        }
    }

    /// As JSON; what is missing becomes null.
    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::Missing(_) => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(value) => Json::from(*value),
            Self::Float(value) => Json::from(*value),
            Self::Text(text) => Json::String(text.clone().into_owned()),
            Self::Array(items) => Json::Array(items.to_vec()),
            Self::Object(members) => Json::Object((*members).clone()),
            Self::List(items) => Json::Array(items.iter().map(Value::to_json).collect()),
        }
    }

    /// What kind of value it is, for a sentence.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Missing(_) => "missing",
            Self::Bool(_) => "true or false",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::Array(_) | Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// As a number, if it is one.
    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Missing(_)
            | Self::Bool(_)
            | Self::Text(_)
            | Self::Array(_)
            | Self::Object(_)
            | Self::List(_) => None,
        }
    }

    /// The items of a list, or the keys of an object.
    pub(crate) fn items(&self, what: &'a str) -> Option<Vec<Self>> {
        match self {
            Self::Array(items) => Some(items.iter().map(|item| Self::of_json(item, what)).collect()),
            Self::List(items) => Some(items.to_vec()),
            Self::Object(members) => Some(members.keys().map(|key| Self::Text(Cow::Borrowed(key))).collect()),
            Self::Missing(_) | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Text(_) => None,
        }
    }
}

/// Whether two present values are equal; `None` when one of them, or a part, is missing.
/// Values of different kinds are not equal, as in CEL.
pub(crate) fn equal(left: &Value<'_>, right: &Value<'_>) -> Option<bool> {
    match (left, right) {
        (Value::Missing(_), _) | (_, Value::Missing(_)) => None,
        (Value::Int(left), Value::Int(right)) => Some(left == right),
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            Some(left.as_f64() == right.as_f64())
        }
        (Value::Text(left), Value::Text(right)) => Some(left == right),
        (Value::Bool(left), Value::Bool(right)) => Some(left == right),
        (Value::Object(left), Value::Object(right)) => Some(left == right),
        (Value::Array(_) | Value::List(_), Value::Array(_) | Value::List(_)) => {
            let (left, right) = (left.items("an item")?, right.items("an item")?);
            if left.len() != right.len() {
                return Some(false);
            }
            let parts: Vec<_> = left.iter().zip(&right).map(|(left, right)| equal(left, right)).collect();
            if parts.contains(&Some(false)) {
                return Some(false);
            }
            (!parts.contains(&None)).then_some(true)
        }
        _ => Some(false),
    }
}
