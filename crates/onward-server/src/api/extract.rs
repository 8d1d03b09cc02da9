//! Reads a request strictly: job ids, query parameters and JSON bodies, each with its own problem.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use onward_core::id::JobId;
use onward_core::problem::Code;
use onward_core::row::Outcome;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::idempotency::read_body;
use crate::problem::Failure;

/// The longest search text; longer ones find nothing that a shorter one does not.
const MAX_TEXT_CHARS: usize = 200;

/// The job named in the path.
#[derive(Debug, Clone, Copy)]
pub struct JobPath(pub JobId);

impl<S: Send + Sync> FromRequestParts<S> for JobPath {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Failure::new(Code::BadId, "The id in the address is not readable text."))?;
        job_id(&text).map(Self)
    }
}

/// Reads a job id in its one spelling: 36 characters with hyphens.
///
/// # Errors
/// `bad-id`.
pub fn job_id(text: &str) -> Result<JobId, Failure> {
    let id = text.parse::<JobId>().ok().filter(|id| id.to_string().eq_ignore_ascii_case(text));
    id.ok_or_else(|| {
        Failure::new(Code::BadId, "A job id is a UUID such as 0199a6c2-7f00-7000-8000-000000000000.")
    })
}

/// Query parameters; unknown ones are refused.
#[derive(Debug, Clone, Copy)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        // A parameter without a value, as a form sends it, is one that was left out.
        let has_value = |pair: &&str| pair.split_once('=').is_none_or(|(_, value)| !value.is_empty());
        let given = parts.uri.query().unwrap_or_default().split('&').filter(has_value);
        let given = format!("/?{}", given.collect::<Vec<_>>().join("&"));
        let given = given.parse().unwrap_or_else(|_| parts.uri.clone());
        match Query::<T>::try_from_uri(&given) {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => {
                let text = rejection.body_text();
                let detail = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
                Err(Failure::new(Code::InvalidParameter, format!("In the query: {detail}.")))
            }
        }
    }
}

/// A JSON body, read strictly: unknown and repeated fields are refused. No body at all reads as `{}`.
#[derive(Debug, Clone, Copy)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Failure;
    async fn from_request(request: Request, _state: &S) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        json(&parts.headers, &read_body(body).await?).map(Self)
    }
}

/// As [`JsonBody`], from bytes.
///
/// # Errors
/// `unsupported-body` for another content type, `bad-request` for what is no such JSON.
pub fn json<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<T, Failure> {
    let bytes: &[u8] = if body.is_empty() { b"{}" } else { body };
    let kind = content_type(headers);
    if !body.is_empty() && kind != "application/json" {
        let detail = format!("Send `Content-Type: application/json`, not `{kind}`.");
        return Err(Failure::new(Code::UnsupportedBody, detail));
    }
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Failure::new(Code::BadRequest, "The body must be a JSON object, such as `{}`."));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        Failure::new(Code::BadRequest, format!("The body is not the JSON expected here: {error}."))
            .with("line", error.line())
            .with("column", error.column())
    })
}

/// The content type without its parameters, in lower case; empty when there is none.
#[must_use]
pub fn content_type(headers: &HeaderMap) -> String {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A body with nothing in it: none at all, or `{}`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// A page size within 1 and `most`.
///
/// # Errors
/// `invalid-parameter` outside of it.
pub fn limit(asked: Option<u64>, usual: usize, most: usize) -> Result<usize, Failure> {
    let Some(asked) = asked else { return Ok(usual) };
    let within = usize::try_from(asked).ok().filter(|asked| (1..=most).contains(asked));
    within.ok_or_else(|| invalid("limit", &format!("a whole number from 1 to {most}")))
}

/// A text to search for; an empty one is none.
///
/// # Errors
/// `invalid-parameter` when it is too long or has control characters.
pub fn text(name: &str, asked: Option<String>) -> Result<Option<String>, Failure> {
    let Some(asked) = asked.filter(|text| !text.is_empty()) else { return Ok(None) };
    if asked.chars().count() > MAX_TEXT_CHARS || asked.chars().any(char::is_control) {
        return Err(invalid(name, &format!("at most {MAX_TEXT_CHARS} characters, no control characters")));
    }
    Ok(Some(asked))
}

/// An outcome by its word; an empty one is none.
///
/// # Errors
/// `invalid-parameter` for another word.
pub fn outcome(asked: Option<&str>) -> Result<Option<Outcome>, Failure> {
    let Some(word) = asked.filter(|word| !word.is_empty()) else { return Ok(None) };
    word.parse().map(Some).map_err(|_| invalid("outcome", "one of added, failed, skipped, filtered"))
}

/// The problem of a parameter out of its range.
#[must_use]
pub fn invalid(name: &str, range: &str) -> Failure {
    Failure::new(Code::InvalidParameter, format!("`{name}` must be {range}.")).with("parameter", name)
}
