//! Calls to a target, made of a recipe's templates: address, headers and body for one row or several.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use http_body_util::Full;
use minijinja::Value;
use onward_core::input::InputRow;
use onward_core::key::clean_handle;
use onward_core::problem::{Code, Problem};
use onward_core::processor::{Answer, Call, CannotStart};
use onward_core::recipe::{self, Recipe};

use crate::address::{self, IDEMPOTENCY_KEY, ONWARD_JOB, ONWARD_ROW, ONWARD_TRY, Origin, TRACEPARENT};
use crate::answers::{failed, tell_limit};
use crate::client::{Client, Received};
use crate::invalid::Wrong;
use crate::settings::Settings;
use crate::template::{Place, Template, percent_encoded};
use crate::transport::Request;

/// What stands between the values of a batch in an address.
const USUAL_JOIN: &str = ",";
/// Headers of a call that the recipe does not name, with those that the client adds.
const USUAL_HEADERS: usize = 12;
/// Stands for every field and secret when a body is tried before the job.
const SAMPLE: &str = "x";

/// How calls are made.
#[derive(Debug)]
pub(crate) struct Target {
    client: Client,
    method: Method,
    url: Template,
    /// The address, where no row changes it; what is wrong with one is told of each row.
    fixed: Option<Uri>,
    origin: Origin,
    headers: Vec<(HeaderName, Template)>,
    body: Option<Template>,
    join: String,
    batched: bool,
    /// Fields that go out as targets know them: `@Anna` as `Anna`.
    cleaned: Vec<String>,
    /// Whether the idempotency key of the row goes along.
    keyed: bool,
    table: &'static str,
}

/// The templates of a recipe.
pub(crate) struct Parts<'a> {
    table: &'static str,
    method: Method,
    url: &'a str,
    headers: &'a BTreeMap<String, String>,
    body: Option<&'a str>,
    join: Option<&'a str>,
    batched: bool,
    redirects: u32,
    cleaned: &'a [String],
    keyed: bool,
}

impl<'a> Parts<'a> {
    /// The look-up of a creator.
    pub(crate) fn of_fetch(fetch: &'a recipe::Fetch, recipe: &'a Recipe) -> Self {
        Self {
            table: "fetch",
            method: Method::GET,
            url: &fetch.url,
            headers: &fetch.headers,
            body: None,
            join: None,
            batched: false,
            redirects: fetch.redirects,
            cleaned: &recipe.key,
            keyed: true,
        }
    }

    /// The question whether a row in doubt is done. It is no repeat of the row's call, so it does not
    /// carry its key.
    pub(crate) fn of_question(in_doubt: &'a recipe::InDoubt) -> Self {
        Self {
            table: "in_doubt",
            method: Method::GET,
            url: in_doubt.url.as_deref().unwrap_or_default(),
            headers: &in_doubt.headers,
            body: None,
            join: None,
            batched: false,
            redirects: 0,
            cleaned: &[],
            keyed: false,
        }
    }

    /// The call of http work.
    pub(crate) fn of_work(work: &'a recipe::Work) -> Self {
        let method = match work.method.unwrap_or(recipe::Method::Post) {
            recipe::Method::Get => Method::GET,
            recipe::Method::Post => Method::POST,
            recipe::Method::Put => Method::PUT,
            recipe::Method::Patch => Method::PATCH,
            recipe::Method::Delete => Method::DELETE,
        };
        Self {
            table: "work",
            method,
            url: work.url.as_deref().unwrap_or_default(),
            headers: &work.headers,
            body: work.body.as_deref(),
            join: work.join.as_deref(),
            batched: work.batch > 1,
            redirects: work.redirects,
            cleaned: &[],
            keyed: true,
        }
    }
}

impl Target {
    /// Understands the templates; what is wrong with them goes to `wrong`.
    ///
    /// # Errors
    /// `blocked-address` when the host may not be called.
    pub(crate) fn new(
        parts: &Parts<'_>,
        work: &recipe::Work,
        settings: &Settings,
        wrong: &mut Wrong,
    ) -> Result<Option<Self>, Problem> {
        let table = parts.table;
        let path = format!("{table}.url");
        let origin = address::check_template(parts.url, &path, &settings.outbound, wrong)?;
        let url = Template::new(parts.url, Place::Url);
        let url = url.map_err(|message| wrong.add(&path, format!("`{path}`: {message}"))).ok();
        if url.as_ref().is_some_and(|url| !url.secrets().is_empty()) {
            let message = format!("a secret in `{path}` would end in the target's logs; put it in a header");
            wrong.add(&path, message);
        }
        let headers = headers(parts, wrong);
        let body = parts.body.and_then(|source| body(source, wrong));
        let client = Client::new(settings, work, parts.redirects)?;
        Ok(url.zip(origin).map(|(url, origin)| Self {
            client,
            method: parts.method.clone(),
            fixed: url.fields().is_empty().then(|| made(&url, &origin, BTreeMap::new()).ok()).flatten(),
            url,
            origin,
            headers,
            body,
            join: parts.join.unwrap_or(USUAL_JOIN).to_owned(),
            batched: parts.batched,
            cleaned: parts.cleaned.to_vec(),
            keyed: parts.keyed,
            table,
        }))
    }

    /// The client, for its secrets.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Whether the recipe sends headers of its own, so that a 401 is about them.
    pub(crate) fn has_headers(&self) -> bool {
        !self.headers.is_empty()
    }

    /// The fields that the templates use.
    pub(crate) fn fields(&self) -> Vec<String> {
        let headers = self.headers.iter().map(|(_, template)| template);
        let templates = std::iter::once(&self.url).chain(headers).chain(&self.body);
        templates.flat_map(|template| template.fields().iter().cloned()).collect()
    }

    /// Whether every secret is there.
    pub(crate) fn check(&self) -> Result<(), CannotStart> {
        let templates = self.headers.iter().map(|(_, template)| template).chain(&self.body);
        let mut named = templates.flat_map(|template| template.secrets());
        match named.find(|name| self.client.secrets().get(name).is_none()) {
            None => Ok(()),
            Some(name) => Err(crate::settings::missing_secret(name)),
        }
    }

    /// Calls for these rows and reads the answer to its end. `own` is sent where the recipe has no body
    /// of its own. The error is what becomes of the rows.
    pub(crate) async fn call(
        &self,
        call: &Call,
        rows: &[Arc<InputRow>],
        own: Option<Vec<u8>>,
    ) -> Result<Received, Answer> {
        let request = self.request(call, rows, own)?;
        call.told.asks();
        let received = self.client.send(request, &call.told).await?;
        tell_limit(&received, &call.told);
        Ok(received)
    }

    fn request(&self, call: &Call, rows: &[Arc<InputRow>], own: Option<Vec<u8>>) -> Result<Request, Answer> {
        let url = self.address(call, rows)?;
        let mut headers = HeaderMap::with_capacity(USUAL_HEADERS + self.headers.len());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        address::trace(&mut headers, call, rows);
        if !self.keyed {
            headers.remove(IDEMPOTENCY_KEY);
        }
        let body = match &self.body {
            Some(template) => Some(self.body(template, call, rows)?),
            None => own,
        };
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, template) in &self.headers {
            let first = rows.first().map(|row| &**row);
            headers.insert(name.clone(), self.header(name, template, call, first)?);
        }
        let body = Full::from(body.unwrap_or_default());
        let mut request = Request::new(http::Request::new(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = url;
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn address(&self, call: &Call, rows: &[Arc<InputRow>]) -> Result<Uri, Answer> {
        if let Some(fixed) = &self.fixed {
            return Ok(fixed.clone());
        }
        let mut values: BTreeMap<&str, Value> = BTreeMap::new();
        for name in self.url.fields() {
            let mut joined = String::new();
            for (at, row) in rows.iter().enumerate() {
                let value = self.value(name, call, row)?;
                if value.is_empty() && self.cleaned.contains(name) {
                    let message = format!("`{name}` is empty, so there is nothing to look up");
                    return Err(failed("invalid-key", message));
                }
                if at > 0 {
                    joined.push_str(&self.join);
                }
                joined.push_str(&percent_encoded(&value));
            }
            values.insert(name, Value::from_safe_string(joined));
        }
        made(&self.url, &self.origin, values)
    }

    /// The body of one row, or the list of the bodies of a batch.
    fn body(&self, template: &Template, call: &Call, rows: &[Arc<InputRow>]) -> Result<Vec<u8>, Answer> {
        let mut bodies = Vec::with_capacity(rows.len());
        for row in rows {
            let text = self.render(template, call, Some(row), "bad-request")?;
            if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_err() {
                return Err(failed("bad-request", "this row makes no JSON of `work.body`"));
            }
            bodies.push(text);
        }
        let text = if self.batched { format!("[{}]", bodies.join(",")) } else { bodies.concat() };
        Ok(text.into_bytes())
    }

    fn header(
        &self,
        name: &HeaderName,
        template: &Template,
        call: &Call,
        row: Option<&InputRow>,
    ) -> Result<HeaderValue, Answer> {
        let text = self.render(template, call, row, "bad-header")?;
        // A line break would end the header and begin another of the row's choice.
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            let message = format!("the header `{name}` would hold a line break or a control character");
            failed("bad-header", message)
        })?;
        value.set_sensitive(!template.secrets().is_empty());
        Ok(value)
    }

    fn render(
        &self,
        template: &Template,
        call: &Call,
        row: Option<&InputRow>,
        code: &'static str,
    ) -> Result<String, Answer> {
        let known = template.secrets().iter().map(|name| (name.as_str(), self.client.secrets().get(name)));
        let secrets: Option<BTreeMap<&str, &str>> = known.map(|(name, value)| Some((name, value?))).collect();
        let Some(secrets) = secrets else {
            let message = format!("a secret that `[{}]` uses is not set", self.table);
            return Err(Answer::Fatal {
                code: Code::SecretMissing.word().into(),
                message: message.into(),
                wait_ms: None,
            });
        };
        let mut values = BTreeMap::new();
        if let Some(row) = row {
            for name in template.fields() {
                values.insert(name.as_str(), Value::from(self.value(name, call, row)?));
            }
        }
        template.render(values, &secrets).map_err(|why| failed(code, why))
    }

    fn value(&self, name: &String, call: &Call, row: &InputRow) -> Result<String, Answer> {
        let raw = call.field(row, name).ok_or_else(|| {
            let message = format!("the file has no column `{name}`, which `[{}]` uses", self.table);
            failed("missing-column", message)
        })?;
        Ok(if self.cleaned.contains(name) { clean_handle(raw) } else { raw.to_owned() })
    }
}

/// The address with these values in it.
fn made(url: &Template, origin: &Origin, values: BTreeMap<&str, Value>) -> Result<Uri, Answer> {
    let text = url.render(values, &BTreeMap::new()).map_err(|why| failed("bad-url", why))?;
    address::of_row(origin, &text).map_err(|why| failed("bad-url", why))
}

fn headers(parts: &Parts<'_>, wrong: &mut Wrong) -> Vec<(HeaderName, Template)> {
    let mut headers = Vec::new();
    for (name, value) in parts.headers {
        let path = format!("{}.headers.{name}", parts.table);
        match (HeaderName::from_bytes(name.as_bytes()), Template::new(value, Place::Header)) {
            (Ok(name), Ok(_))
                if [IDEMPOTENCY_KEY, TRACEPARENT, ONWARD_JOB, ONWARD_ROW, ONWARD_TRY].contains(&name) =>
            {
                wrong.add(&path, format!("`{name}` is set for every call; leave it out"));
            }
            (Ok(_), Ok(template)) if parts.batched && !template.fields().is_empty() => {
                wrong.add(&path, format!("`{path}` uses a field, and a batch has many rows"));
            }
            (Ok(name), Ok(template)) => headers.push((name, template)),
            (Err(_), _) => wrong.add(&path, format!("`{name}` is no name of a header")),
            (_, Err(message)) => wrong.add(&path, format!("`{path}`: {message}")),
        }
    }
    headers
}

/// Understands a body and tries it once, so that a field outside of quotes shows before the job.
fn body(source: &str, wrong: &mut Wrong) -> Option<Template> {
    let template = match Template::new(source, Place::Body) {
        Ok(template) => template,
        Err(message) => {
            wrong.add("work.body", format!("`work.body`: {message}"));
            return None;
        }
    };
    let values = template.fields().iter().map(|name| (name.as_str(), Value::from(SAMPLE))).collect();
    let secrets = template.secrets().iter().map(|name| (name.as_str(), SAMPLE)).collect();
    let tried = template.render(values, &secrets).ok();
    if tried.is_none_or(|text| serde_json::from_str::<serde::de::IgnoredAny>(&text).is_err()) {
        let message = "`work.body` makes no JSON; a field stands in quotes, \"{{ name }}\", or as a number, \
                       {{ followers | number }}";
        wrong.add("work.body", message);
        return None;
    }
    Some(template)
}
