//! Templates of addresses, headers and bodies: `{{ field }}` and `{{ secret.NAME }}`.

use std::collections::BTreeMap;

use minijinja::value::Value;
use minijinja::{Environment, Output, State, UndefinedBehavior};

/// Steps of one rendering: far more than any URL needs, and an end to every loop.
const FUEL: u64 = 10_000;
/// The one template of an environment.
const NAME: &str = "it";
/// The name under which secrets are found.
const SECRET: &str = "secret";

/// Where the text goes, and so how values are written into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Values are percent-encoded, so that none can leave its component.
    Url,
    /// Values stand as they are.
    Header,
    /// Values are escaped as JSON, so that none can leave the quotes it stands in.
    Body,
}

/// A template that was understood.
#[derive(Debug)]
pub(crate) struct Template {
    environment: Environment<'static>,
    fields: Vec<String>,
    secrets: Vec<String>,
}

impl Template {
    /// Reads a template; the error is a sentence.
    pub(crate) fn new(source: &str, place: Place) -> Result<Self, String> {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        match place {
            Place::Url => environment.set_formatter(in_url),
            Place::Header => environment.set_formatter(plain),
            Place::Body => {
                environment.set_formatter(in_json);
                environment.add_filter("number", as_number);
            }
        }
        environment
            .add_template_owned(NAME, source.to_owned())
            .map_err(|error| format!("the template cannot be understood: {}", sentence(&error)))?;
        let template = environment.get_template(NAME).map_err(|error| sentence(&error))?;
        let (mut fields, mut secrets) = (Vec::new(), Vec::new());
        for name in template.undeclared_variables(true) {
            match name.split_once('.') {
                Some((SECRET, secret)) => secrets.push(secret.to_owned()),
                None if name != SECRET => fields.push(name),
                _ => {
                    return Err(format!(
                        "`{name}` is no field; write {{{{ field }}}} or {{{{ secret.NAME }}}}"
                    ));
                }
            }
        }
        fields.sort();
        secrets.sort();
        Ok(Self { environment, fields, secrets })
    }

    /// The fields it uses.
    pub(crate) fn fields(&self) -> &[String] {
        &self.fields
    }

    /// The secrets it uses.
    pub(crate) fn secrets(&self) -> &[String] {
        &self.secrets
    }

    /// The text with these values; the error is a sentence without any value in it.
    pub(crate) fn render(
        &self,
        fields: BTreeMap<&str, Value>,
        secrets: &BTreeMap<&str, &str>,
    ) -> Result<String, String> {
        let secret = Value::from_pairs(secrets.iter().map(|(name, value)| (*name, *value)));
        let context = Value::from_pairs(fields.into_iter().chain([(SECRET, secret)]));
        let template = self.environment.get_template(NAME).map_err(|error| sentence(&error))?;
        template.render(context).map_err(|error| sentence(&error))
    }
}

/// A value as it may stand in one component of an address.
pub(crate) fn percent_encoded(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let digit = |nibble: u8| char::from(b"0123456789ABCDEF"[usize::from(nibble & 15)]);
                encoded.extend(['%', digit(byte >> 4), digit(byte)]);
            }
        }
    }
    encoded
}

/// What is marked as safe was encoded before: the values of a batch, with what joins them.
fn in_url(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), minijinja::Error> {
    defined(value)?;
    if value.is_safe() {
        return Ok(write!(out, "{value}")?);
    }
    Ok(out.write_str(&percent_encoded(&value.to_string()))?)
}

fn in_json(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), minijinja::Error> {
    defined(value)?;
    if value.is_none() {
        return Ok(out.write_str("null")?);
    }
    let Some(text) = value.as_str() else { return Ok(write!(out, "{value}")?) };
    let quoted = serde_json::Value::from(text).to_string();
    Ok(out.write_str(&quoted[1..quoted.len() - 1])?)
}

/// The number people mean, or null.
fn as_number(value: &Value) -> Value {
    match value.as_str().and_then(crate::expr::number) {
        Some(crate::expr::Number::Whole(whole)) => Value::from(whole),
        Some(crate::expr::Number::Decimal(decimal)) => Value::from(decimal),
        None => Value::from(()),
    }
}

fn plain(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), minijinja::Error> {
    defined(value)?;
    Ok(write!(out, "{value}")?)
}

fn defined(value: &Value) -> Result<(), minijinja::Error> {
    if value.is_undefined() { Err(minijinja::ErrorKind::UndefinedError.into()) } else { Ok(()) }
}

/// The kind of an error and its line; never a value.
fn sentence(error: &minijinja::Error) -> String {
    let line = error.line().map_or(String::new(), |line| format!(" (line {line})"));
    match error.detail() {
        Some(detail) if error.kind() == minijinja::ErrorKind::SyntaxError => format!("{detail}{line}"),
        _ => format!("{}{line}", error.kind()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(source: &str, place: Place, handle: &str) -> Result<String, String> {
        let fields = BTreeMap::from([("handle", Value::from(handle))]);
        let secrets = BTreeMap::from([("KEY", "s3cret")]);
        Template::new(source, place)?.render(fields, &secrets)
    }

    #[test]
    fn a_value_cannot_leave_its_place_in_a_url() {
        for (value, encoded) in [
            ("anna.lee", "anna.lee"),
            ("../admin", "..%2Fadmin"),
            ("a?b#c&d=e", "a%3Fb%23c%26d%3De"),
            ("a\r\nHost: evil", "a%0D%0AHost%3A%20evil"),
            ("å%2f", "%C3%A5%252f"),
            ("@:/\\", "%40%3A%2F%5C"),
        ] {
            assert_eq!(
                render("http://a/{{ handle }}/x", Place::Url, value).unwrap(),
                format!("http://a/{encoded}/x")
            );
        }
    }

    #[test]
    fn a_value_cannot_leave_its_quotes_in_a_body() {
        for (source, value, body) in [
            (r#"{"a":"@{{ handle }}"}"#, "a\"},{\"b", r#"{"a":"@a\"},{\"b"}"#),
            (r#"{"a":"{{ handle }}"}"#, "line\nbreak\\", r#"{"a":"line\nbreak\\"}"#),
            (r#"{"a":{{ handle | number }}}"#, "13.8K", r#"{"a":13800}"#),
            (r#"{"a":{{ handle | number }}}"#, "none", r#"{"a":null}"#),
        ] {
            assert_eq!(render(source, Place::Body, value).unwrap(), body);
        }
    }

    #[test]
    fn secrets_and_fields_are_told_apart() {
        let template = Template::new("Bearer {{ secret.KEY }} {{ handle }}", Place::Header).unwrap();
        assert_eq!(
            (template.fields(), template.secrets()),
            (&["handle".to_owned()][..], &["KEY".to_owned()][..])
        );
        assert_eq!(
            render("Bearer {{ secret.KEY }} {{ handle }}", Place::Header, "a/b").unwrap(),
            "Bearer s3cret a/b"
        );
    }

    #[test]
    fn wrong_templates_are_refused_with_a_sentence() {
        assert!(Template::new("{{ handle", Place::Url).unwrap_err().contains("cannot be understood"));
        assert!(Template::new("{{ secret }}", Place::Header).is_err());
        assert!(render("{{ nobody }}", Place::Url, "a").unwrap_err().contains("undefined"));
        assert!(
            render(
                "{% for i in [1,2,3] %}{% for j in handle %}{{ j }}{% endfor %}{% endfor %}",
                Place::Url,
                &"x".repeat(9_000)
            )
            .is_err()
        );
    }
}
