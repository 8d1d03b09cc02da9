//! URL and header templates: `{{ field }}` and `{{ secret.NAME }}`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

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
            Place::Url => environment.set_formatter(percent_encoded),
            Place::Header => environment.set_formatter(plain),
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
        fields: &BTreeMap<&str, String>,
        secrets: &BTreeMap<&str, &str>,
    ) -> Result<String, String> {
        let secret = Value::from_pairs(secrets.iter().map(|(name, value)| (*name, *value)));
        let values = fields.iter().map(|(name, value)| (*name, Value::from(value.as_str())));
        let context = Value::from_pairs(values.chain([(SECRET, secret)]));
        let template = self.environment.get_template(NAME).map_err(|error| sentence(&error))?;
        template.render(context).map_err(|error| sentence(&error))
    }
}

fn percent_encoded(
    out: &mut Output<'_>,
    _: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    defined(value)?;
    for byte in value.to_string().bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.write_char(char::from(byte))?;
            }
            _ => write!(out, "%{byte:02X}")?,
        }
    }
    Ok(())
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
        let fields = BTreeMap::from([("handle", handle.to_owned())]);
        let secrets = BTreeMap::from([("KEY", "s3cret")]);
        Template::new(source, place)?.render(&fields, &secrets)
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
