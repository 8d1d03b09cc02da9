//! The look-up: one GET per row, its answer read, and its status turned into an outcome.

use std::collections::BTreeMap;

use onward_core::input::InputRow;
use onward_core::key::clean_handle;
use onward_core::problem::{Code, Problem};
use onward_core::processor::{Answer, Call, CannotStart};
use onward_core::recipe::{self, Recipe};
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request, Url};
use serde_json::{Map, Value as Json};

use super::scope::{Fetched, RowScope, bind};
use crate::address::{self, IDEMPOTENCY_KEY};
use crate::answers::{failed, not_now, refusal};
use crate::client::{Client, Received};
use crate::expr::{Expression, Value};
use crate::invalid::{Expressions, Wrong};
use crate::settings::Settings;
use crate::template::{Place, Template};

/// `[fetch]`.
#[derive(Debug)]
pub(super) struct Fetch {
    client: Client,
    url: Template,
    headers: Vec<(HeaderName, Template)>,
    not_found: Option<Expression>,
    /// Fields that are part of the key: they go out as the target knows them.
    key: Vec<String>,
}

impl Fetch {
    /// The look-up of a recipe; `None` when something was wrong with it.
    pub(super) fn new(
        fetch: &recipe::Fetch,
        recipe: &Recipe,
        settings: &Settings,
        expressions: &mut Expressions,
        wrong: &mut Wrong,
    ) -> Result<Option<Self>, Problem> {
        address::check_template(&fetch.url, "fetch.url", &settings.outbound, wrong)?;
        let url = Template::new(&fetch.url, Place::Url);
        let url = url.map_err(|message| wrong.add("fetch.url", format!("`fetch.url`: {message}"))).ok();
        if url.as_ref().is_some_and(|url| !url.secrets().is_empty()) {
            wrong.add(
                "fetch.url",
                "a secret in `fetch.url` would end in the target's logs; put it in a header",
            );
        }
        let mut headers = Vec::new();
        for (name, value) in &fetch.headers {
            let path = format!("fetch.headers.{name}");
            match (HeaderName::from_bytes(name.as_bytes()), Template::new(value, Place::Header)) {
                (Ok(name), Ok(template)) => headers.push((name, template)),
                (Err(_), _) => wrong.add(&path, format!("`{name}` is no name of a header")),
                (_, Err(message)) => wrong.add(&path, format!("`{path}`: {message}")),
            }
        }
        let client = Client::new(settings, &recipe.work)?;
        let not_found = expressions.take("fetch.not_found");
        Ok(url.map(|url| Self { client, url, headers, not_found, key: recipe.key.clone() }))
    }

    /// Whether every secret is there.
    pub(super) fn check(&self) -> Result<(), CannotStart> {
        let named = self.headers.iter().flat_map(|(_, template)| template.secrets());
        match named.into_iter().find(|name| self.client.secrets().get(name).is_none()) {
            None => Ok(()),
            Some(name) => {
                let message = format!(
                    "the recipe uses `secret.{name}`, which is not set; set ONWARD_SECRET_{name} where the \
                     server runs and start it again"
                );
                Err(CannotStart { code: Code::SecretMissing, message })
            }
        }
    }

    /// Looks one row up. The error is what becomes of the row without any further step.
    pub(super) async fn look_up(&self, call: &Call, row: &InputRow) -> Result<Fetched, Answer> {
        let received = self.client.send(self.request(call, row)?).await?;
        if let Some(answer) = not_now(&received) {
            return Err(answer);
        }
        let read = serde_json::from_slice::<Json>(&received.body);
        let success = (200..300).contains(&received.status);
        let body = match read {
            Ok(body) => body,
            Err(_) if !success || received.body.iter().all(u8::is_ascii_whitespace) => Json::Null,
            Err(error) => return Err(failed("bad-answer", format!("the answer is not JSON: {error}"))),
        };
        let secrets = self.client.secrets();
        match received.status {
            401 => {
                let message = "the target answered 401: the credentials in `fetch.headers` are refused";
                return Err(Answer::Fatal { code: "unauthorized".into(), message: message.into() });
            }
            // Before `not_found`: a private profile exists, whatever else its answer says.
            403 => return Err(refusal(&received, &body, secrets)),
            _ => {}
        }
        let found = Fetched { status: received.status, headers: header_json(&received), body };
        if self.is_not_found(call, row, &found)? {
            return Err(failed("not-found", "the target does not know it"));
        }
        if success { Ok(found) } else { Err(refusal(&received, &found.body, secrets)) }
    }

    /// What is unknown is not found to be absent: the row goes on.
    fn is_not_found(&self, call: &Call, row: &InputRow, found: &Fetched) -> Result<bool, Answer> {
        let Some(expression) = &self.not_found else { return Ok(false) };
        let bound = bind(expression, &call.columns, true);
        let scope = RowScope { row, bound: &bound, found: Some(found) };
        match expression.evaluate(&scope) {
            Ok(Value::Bool(absent)) => Ok(absent),
            Ok(Value::Missing(_)) => Ok(false),
            Ok(other) => {
                let message = format!("`not_found` must be true or false, and is {}", other.kind());
                Err(failed("filter-error", message))
            }
            Err(fault) => Err(failed("filter-error", format!("`not_found`: {fault}"))),
        }
    }

    fn request(&self, call: &Call, row: &InputRow) -> Result<Request, Answer> {
        let url = self.address(call, row)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        for (name, template) in &self.headers {
            headers.insert(name.clone(), self.header(name, template, call, row)?);
        }
        let key = HeaderValue::from_str(&call.idempotency_key(row));
        headers.insert(IDEMPOTENCY_KEY, key.expect("ids and numbers are fit for a header"));
        let request = self.client.request(Method::GET, url).headers(headers).build();
        request.map_err(|_| failed("bad-url", "the address of this row cannot be called"))
    }

    fn address(&self, call: &Call, row: &InputRow) -> Result<Url, Answer> {
        let values = self.values(&self.url, call, row)?;
        let empty = self.key.iter().find(|name| values.get(name.as_str()).is_some_and(String::is_empty));
        if let Some(name) = empty {
            return Err(failed("invalid-key", format!("`{name}` is empty, so there is nothing to look up")));
        }
        let text = self.url.render(&values, &BTreeMap::new()).map_err(|why| failed("bad-url", why))?;
        address::of_row(&text).map_err(|why| failed("bad-url", why))
    }

    fn header(
        &self,
        name: &HeaderName,
        template: &Template,
        call: &Call,
        row: &InputRow,
    ) -> Result<HeaderValue, Answer> {
        let values = self.values(template, call, row)?;
        let known = template.secrets().iter().map(|name| (name.as_str(), self.client.secrets().get(name)));
        let secrets: Option<BTreeMap<&str, &str>> = known.map(|(name, value)| Some((name, value?))).collect();
        let Some(secrets) = secrets else {
            let message = format!("a secret of the header `{name}` is not set");
            return Err(Answer::Fatal { code: Code::SecretMissing.word().into(), message: message.into() });
        };
        let text = template.render(&values, &secrets).map_err(|why| failed("bad-header", why))?;
        // A line break would end the header and begin another of the row's choice.
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            failed(
                "bad-header",
                format!("the header `{name}` would hold a line break or a control character"),
            )
        })?;
        value.set_sensitive(!template.secrets().is_empty());
        Ok(value)
    }

    fn values<'t>(
        &self,
        template: &'t Template,
        call: &Call,
        row: &InputRow,
    ) -> Result<BTreeMap<&'t str, String>, Answer> {
        let value = |name: &'t String| {
            let raw = call.field(row, name).ok_or_else(|| {
                failed("missing-column", format!("the file has no column `{name}`, which `[fetch]` uses"))
            })?;
            let value = if self.key.contains(name) { clean_handle(raw) } else { raw.to_owned() };
            Ok((name.as_str(), value))
        };
        template.fields().iter().map(value).collect()
    }
}

fn header_json(received: &Received) -> Json {
    let mut headers = Map::new();
    for (name, value) in &received.headers {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.entry(name.as_str()).or_insert(Json::String(text));
    }
    Json::Object(headers)
}
