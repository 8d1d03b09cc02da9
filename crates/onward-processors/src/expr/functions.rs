//! The functions of the expression language.

use std::borrow::Cow;

use regex::Regex;

use super::BadExpression;
use super::eval::Fault;
use super::number::{Number, number};
use super::value::Value;

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident $word:literal $arity:literal,)*) => {
        /// A function by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Function { $($(#[$doc])* $name,)* }

        impl Function {
            const ALL: &'static [(&'static str, Self)] = &[$(($word, Self::$name),)*];

            /// How many values it takes, the one before the dot included.
            pub(super) fn arity(self) -> usize {
                match self { $(Self::$name => $arity,)* }
            }
        }
    };
}

functions! {
    /// The number a text stands for.
    Number "number" 1,
    /// The same, without what is after the decimal mark.
    Int "int" 1,
    /// The number a text stands for, with a fraction.
    Double "double" 1,
    /// Text of a number, a text or a truth.
    Text "string" 1,
    /// Characters of a text, items of a list, members of an object.
    Size "size" 1,
    /// Whether a text is in another.
    Contains "contains" 2,
    /// Whether a text begins with another.
    StartsWith "startsWith" 2,
    /// Whether a text ends with another.
    EndsWith "endsWith" 2,
    /// Small letters, ASCII only.
    Lower "lowerAscii" 1,
    /// Capital letters, ASCII only.
    Upper "upperAscii" 1,
    /// Without blanks around it.
    Trim "trim" 1,
}

/// Names that are not functions of the table and still known.
const OTHER_NAMES: [&str; 7] = ["has", "matches", "exists", "all", "exists_one", "map", "filter"];
/// A name further away than this is not what was meant.
const NEAR: f64 = 0.5;

impl Function {
    /// The function of that name, or what is wrong.
    pub(super) fn named(name: &str) -> Result<Self, BadExpression> {
        if let Some((_, function)) = Self::ALL.iter().find(|(word, _)| *word == name) {
            return Ok(*function);
        }
        let known = Self::ALL.iter().map(|(word, _)| *word).chain(OTHER_NAMES);
        let near = |word: &'static str| (strsim::normalized_damerau_levenshtein(name, word), word);
        let nearest = known.map(near).max_by(|a, b| a.0.total_cmp(&b.0));
        let nearest = nearest.filter(|(share, _)| *share >= NEAR).map(|(_, word)| word.to_owned());
        let hint = nearest.as_ref().map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        Err(BadExpression { message: format!("there is no function `{name}`{hint}"), nearest })
    }

    /// Calls it. `what` is the call's text, for messages.
    pub(super) fn call<'a>(self, arguments: &[Value<'a>], what: &'a str) -> Result<Value<'a>, Fault> {
        if let Some(Value::Missing(name)) = arguments.iter().find(|value| matches!(value, Value::Missing(_)))
        {
            return Ok(Value::Missing(name));
        }
        match (self, arguments) {
            (Self::Number, [value]) => as_number(value, what),
            (Self::Int, [value]) => Ok(whole(as_number(value, what)?, what)),
            (Self::Double, [value]) => {
                let value = as_number(value, what)?;
                Ok(value.as_f64().map_or(value, Value::Float))
            }
            (Self::Text, [value]) => as_text(value, what),
            (Self::Size, [value]) => size(value, what),
            (Self::Contains, [Value::Text(text), Value::Text(part)]) => {
                Ok(Value::Bool(text.contains(part.as_ref())))
            }
            (Self::StartsWith, [Value::Text(text), Value::Text(part)]) => {
                Ok(Value::Bool(text.starts_with(part.as_ref())))
            }
            (Self::EndsWith, [Value::Text(text), Value::Text(part)]) => {
                Ok(Value::Bool(text.ends_with(part.as_ref())))
            }
            (Self::Lower, [Value::Text(text)]) => Ok(Value::Text(Cow::Owned(text.to_ascii_lowercase()))),
            (Self::Upper, [Value::Text(text)]) => Ok(Value::Text(Cow::Owned(text.to_ascii_uppercase()))),
            (Self::Trim, [Value::Text(text)]) => Ok(Value::Text(Cow::Owned(text.trim().to_owned()))),
            (_, values) => {
                let other = values.iter().find(|value| !matches!(value, Value::Text(_)));
                let kind = other.map_or("something else", Value::kind);
                Err(Fault::new(format!("`{what}` works on text, and found {kind}")))
            }
        }
    }
}

/// Whether a text has the pattern in it.
pub(super) fn matches<'a>(value: &Value<'a>, pattern: &Regex, what: &str) -> Result<Value<'a>, Fault> {
    match value {
        Value::Text(text) => Ok(Value::Bool(pattern.is_match(text))),
        Value::Missing(name) => Ok(Value::Missing(name)),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Array(_)
        | Value::Object(_)
        | Value::List(_) => Err(Fault::new(format!("`{what}` works on text, and found {}", value.kind()))),
    }
}

fn as_number<'a>(value: &Value<'a>, what: &'a str) -> Result<Value<'a>, Fault> {
    match value {
        Value::Int(_) | Value::Float(_) => Ok(value.clone()),
        Value::Text(text) => Ok(match number(text) {
            Some(Number::Whole(whole)) => Value::Int(whole),
            Some(Number::Decimal(decimal)) => Value::Float(decimal),
            None => Value::Missing(what),
        }),
        Value::Missing(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_) | Value::List(_) => {
            Err(Fault::new(format!("`{what}` cannot make a number of {}", value.kind())))
        }
    }
}

/// Cuts towards zero; what does not fit 64 bits has no whole number.
fn whole<'a>(value: Value<'a>, what: &'a str) -> Value<'a> {
    match value {
        Value::Float(decimal) if decimal.abs() < 9.2e18 => Value::Int(decimal.trunc() as i64),
        Value::Float(_) => Value::Missing(what),
        Value::Missing(_)
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Text(_)
        | Value::Array(_)
        | Value::Object(_)
        | Value::List(_) => value,
    }
}

fn as_text<'a>(value: &Value<'a>, what: &'a str) -> Result<Value<'a>, Fault> {
    let text = match value {
        Value::Text(text) => text.clone(),
        Value::Int(number) => Cow::Owned(number.to_string()),
        Value::Float(number) => Cow::Owned(number.to_string()),
        Value::Bool(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
        Value::Missing(_) | Value::Array(_) | Value::Object(_) | Value::List(_) => {
            return Err(Fault::new(format!("`{what}` cannot make text of {}", value.kind())));
        }
    };
    Ok(Value::Text(text))
}

fn size<'a>(value: &Value<'a>, what: &'a str) -> Result<Value<'a>, Fault> {
    let size = match value {
        Value::Text(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::List(items) => items.len(),
        Value::Object(members) => members.len(),
        Value::Missing(_) | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
            return Err(Fault::new(format!("`{what}` cannot tell the size of {}", value.kind())));
        }
    };
    Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX)))
}
