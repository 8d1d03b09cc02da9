//! The one place where errors become HTTP: every answer that is no success is a problem document
//! (RFC 9457), also for unknown addresses, wrong methods, unreadable bodies and panics.
//!
//! A handler answers `Err(Failure)`. The failure travels as an extension of an empty response and
//! becomes a document only in [`finish`], the outermost step: there the request's id is known, and
//! whether a person's browser asked (then it is a page).

use std::any::Any;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use onward_core::clock::UnixMs;
use onward_core::problem::{Code, Problem};
use onward_core::store::StoreError;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::advice::what_to_do;
use crate::api::view::rfc3339;
use crate::web;

/// Names the header that carries the request's id, in and out.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The media type of problem documents.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// The longest request id taken over from a client; ours have 36 characters, traces have 55.
const MAX_REQUEST_ID_CHARS: usize = 64;

/// A problem on its way to the client.
#[derive(Debug, Clone)]
pub struct Failure(Box<Problem>);

/// Answers of handlers.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A problem without further facts.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem::new(code, detail)))
    }

    /// The same with one more fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.facts.insert(name.to_owned(), value.into());
        self
    }

    /// The problem.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.0
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::NotFound(_) => Code::JobNotFound,
            StoreError::Fenced { .. } => Code::EpochMoved,
            StoreError::Illegal(_) => Code::JobNotRunning,
            StoreError::Duplicate(_) => Code::DuplicateRunningJob,
            StoreError::NothingToRetry => Code::NothingToRetry,
            StoreError::InputGone => Code::InputGone,
            StoreError::DiskFull => Code::DiskFull,
            StoreError::Unavailable(_) | StoreError::Unknown(_) => Code::StoreUnavailable,
            StoreError::Corrupt(_) => Code::StoreCorrupt,
        };
        if code.status() >= 500 {
            // What the database says may hold paths and statements: it is for the log alone.
            tracing::error!(error = %error, "the store failed");
            return Self::new(code, format!("{}.", code.title()));
        }
        Self::new(code, error.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What is known of a request when its answer is written.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Names the request in the log and in the answer.
    pub request_id: String,
    /// Whether a problem should be a page rather than JSON.
    pub wants: Wants,
}

/// How the client likes its problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// As a problem document.
    Json,
    /// As a page for people.
    Page,
}

impl Wants {
    /// A browser's navigation names `text/html`; everything else gets JSON.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let html = quality(accept, "text/html");
        if html > 0.0 && html >= quality(accept, "application/json") { Self::Page } else { Self::Json }
    }
}

/// The outermost step: gives the request an id, and writes out whatever failure comes back.
pub async fn finish(mut request: Request, next: Next) -> Response {
    let in_api = request.uri().path().starts_with("/api/");
    let wants = if in_api { Wants::Json } else { Wants::of(request.headers()) };
    let asked = Asked { request_id: request_id(request.headers()), wants };
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    request.extensions_mut().insert(asked.clone());
    let mut response = write_out(next.run(request).await, &asked);
    if let Ok(id) = HeaderValue::from_str(&asked.request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    log(&method, &path, &asked, response.status());
    response
}

/// The response with its failure, if it has one, written as a document or page.
pub fn write_out(mut response: Response, asked: &Asked) -> Response {
    let failure = response.extensions_mut().remove::<Failure>().or_else(|| plain_failure(&response));
    let Some(Failure(problem)) = failure else { return response };
    let (kind, body) = match asked.wants {
        Wants::Json => (PROBLEM_JSON, document(&problem, &asked.request_id).to_string()),
        Wants::Page => {
            let page = web::problem_page(&problem, &asked.request_id, what_to_do(problem.code));
            ("text/html; charset=utf-8", page.into_string())
        }
    };
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(seconds) = retry_after(problem.code) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
    }
    *response.body_mut() = Body::from(body);
    response
}

/// How much a client likes a media type, 0 to 1, by the `q` of its `Accept` (RFC 9110, 12.5.1); 0 when it is not named.
fn quality(accept: &str, kind: &str) -> f32 {
    let named = accept
        .split(',')
        .map(str::trim)
        .find(|one| one.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(kind)));
    let weight = |one: &str| {
        let q = one.split(';').skip(1).find_map(|part| part.trim().strip_prefix("q="));
        q.map_or(1.0, |q| q.trim().parse().unwrap_or(0.0))
    };
    named.map_or(0.0, weight)
}

/// A problem as RFC 9457 has it. Facts never replace the members that every problem has.
#[must_use]
pub fn document(problem: &Problem, request_id: &str) -> Value {
    let mut members: Map<String, Value> = problem.facts.iter().map(as_text).collect();
    members.insert("type".into(), format!("/problems/{}", problem.code).into());
    members.insert("title".into(), problem.code.title().into());
    members.insert("status".into(), problem.code.status().into());
    members.insert("detail".into(), problem.detail.clone().into());
    members.insert("code".into(), problem.code.word().into());
    members.insert("request_id".into(), request_id.into());
    Value::Object(members)
}

/// A fact as it is told: a moment, which is a number inside (`…_at_ms`), as text.
fn as_text((name, value): (&String, &Value)) -> (String, Value) {
    match (name.strip_suffix("_ms").filter(|name| name.ends_with("_at")), value.as_i64()) {
        (Some(name), Some(at)) => (name.to_owned(), rfc3339(UnixMs(at)).into()),
        _ => (name.clone(), value.clone()),
    }
}

/// The answer to a handler that panicked.
pub fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let text = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = text, "a request handler panicked");
    Failure::new(Code::Internal, "The request was given up; what was saved before it is untouched.")
        .into_response()
}

/// The answer at an address that does not exist.
pub async fn not_found(request: Request) -> Failure {
    Failure::new(Code::NotFound, format!("There is nothing at {}; see /docs.", request.uri().path()))
}

/// The answer to a method that an address does not take.
pub async fn method_not_allowed(request: Request) -> Failure {
    let (method, path) = (request.method(), request.uri().path());
    Failure::new(Code::MethodNotAllowed, format!("{path} does not take {method}; see /docs."))
}

/// What the framework refused by itself, in its own plain words: nothing of ours set a failure.
fn plain_failure(response: &Response) -> Option<Failure> {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind.is_some_and(|kind| !kind.starts_with("text/plain")) {
        return None;
    }
    if kind.is_none() && response.body().size_hint().exact() != Some(0) {
        return None;
    }
    let code = match status.as_u16() {
        404 => Code::NotFound,
        405 => Code::MethodNotAllowed,
        408 => Code::UploadAborted,
        413 => Code::TooLarge,
        415 => Code::UnsupportedBody,
        503 => Code::StoreUnavailable,
        500..=599 => Code::Internal,
        _ => Code::BadRequest,
    };
    Some(Failure::new(code, format!("{}.", code.title())))
}

/// Seconds after which trying again makes sense, for the problems that pass by themselves.
fn retry_after(code: Code) -> Option<&'static str> {
    match code.status() {
        429 => Some("1"),
        503 => Some("5"),
        _ => (code == Code::KeyInUse).then_some("1"),
    }
}

fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let fits = |id: &&str| {
        (1..=MAX_REQUEST_ID_CHARS).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    given.filter(fits).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

fn log(method: &Method, path: &str, asked: &Asked, status: StatusCode) {
    let (status, request_id) = (status.as_u16(), asked.request_id.as_str());
    if status >= 500 {
        tracing::error!(%method, path, status, request_id, "request failed");
    } else if method == Method::GET || method == Method::HEAD {
        tracing::debug!(%method, path, status, request_id, "request");
    } else {
        tracing::info!(%method, path, status, request_id, "request");
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::to_bytes;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    async fn breaks() -> &'static str {
        panic!("no secret of ours")
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_document_that_tells_nothing_of_the_inside() {
        let router = Router::new()
            .route("/", get(breaks))
            .route("/plain", get(|| async { StatusCode::PAYLOAD_TOO_LARGE }))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn(finish));
        for (path, status, code) in [("/", 500, "internal"), ("/plain", 413, "too-large")] {
            let request = Request::get(path).body(Body::empty()).expect("a request");
            let response = router.clone().oneshot(request).await.expect("an answer");
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM_JSON);
            let body = to_bytes(response.into_body(), 10_000).await.expect("a body");
            let document: Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(document["code"], code);
            assert!(!String::from_utf8_lossy(&body).contains("secret"), "{document}");
        }
    }

    #[test]
    fn a_page_is_for_who_likes_pages_best() {
        let wants = |accept: &str| {
            Wants::of(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_str(accept).unwrap())]))
        };
        for page in ["text/html", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html, application/json"]
        {
            assert_eq!(wants(page), Wants::Page, "{page}");
        }
        for json in
            ["*/*", "application/json, text/html;q=0.9", "text/html;q=0.1, application/json", "text/html;q=0"]
        {
            assert_eq!(wants(json), Wants::Json, "{json}");
        }
    }

    #[test]
    fn moments_are_told_as_text() {
        let problem =
            Problem::new(Code::JobNotStuck, "why").with("last_checkpoint_at_ms", 1_700_000_000_123_i64);
        let document = document(&problem, "r1");
        assert_eq!(document["last_checkpoint_at"], "2023-11-14T22:13:20.123Z");
        assert_eq!(document.get("last_checkpoint_at_ms"), None);
    }

    #[test]
    fn facts_never_replace_what_every_problem_has() {
        let problem = Problem::new(Code::BadRequest, "why").with("status", 200).with("line", 7);
        let document = document(&problem, "r1");
        assert_eq!((&document["status"], &document["line"]), (&400.into(), &7.into()));
    }
}
