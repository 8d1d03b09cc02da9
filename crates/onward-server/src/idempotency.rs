//! `Idempotency-Key` on every POST: the same key and request get the first answer again.
//!
//! **Promise.** A key belongs to the first request that names it: method, address and body. While
//! that request runs, the same one gets 409 `key-in-use`; afterwards its answer, marked
//! `idempotent-replayed: true`. Another request under the key gets 422 `key-reused`.
//!
//! **What each failure leaves.** A client that goes away does not stop the work: it runs in a task
//! of its own, and the answer is kept. An answer of 5xx, 408 or 429 frees the key, because such a
//! request had no effect and is worth trying again. A server that dies in between leaves the key in
//! use until the store forgets it.
//!
//! Uploads are not read here: they are fingerprinted while they are spooled ([`once`]), and until then their keys are
//! known to [`crate::arriving`]. The answer to a preview is not kept but found anew ([`anew`]): it has rows of a file that
//! nobody has given to be stored, and nothing comes of finding it twice.

use std::future::Future;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use onward_core::hex::hex;
use onward_core::problem::Code;
use onward_core::store::Reservation;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::now;
use crate::problem::{Asked, Failure, write_out};
use crate::state::App;

/// The request header.
pub(crate) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is a repeated one.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// The longest key: four UUIDs, more than any client library makes.
const MAX_KEY_CHARS: usize = 200;
/// The largest body of a request that is not an upload: a retry of 10,000 single rows has 80 KB.
pub(crate) const MAX_BODY_BYTES: usize = 256 << 10;
/// How long a small body may take to arrive; a client slower than that holds a connection for nothing.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest answer that is kept: a job with all its warnings has a few KB.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// The headers an answer keeps; the rest is made anew for every response.
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::SET_COOKIE];

/// Honours the key on every POST that is not an upload.
pub(crate) async fn honour(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || is_upload(request.headers()) {
        return next.run(request).await;
    }
    let key = match key_of(request.headers()) {
        Ok(Some(key)) => key,
        Ok(None) => return next.run(request).await,
        Err(failure) => return failure.into_response(),
    };
    if app.arriving.has(&key) {
        return in_use().into_response();
    }
    let (parts, body) = request.into_parts();
    let body = match read_body(body).await {
        Ok(body) => body,
        Err(failure) => return failure.into_response(),
    };
    let path = parts.uri.path_and_query().map_or(parts.uri.path(), |path| path.as_str());
    let print = fingerprint(path, &[&body]);
    let Some(asked) = parts.extensions.get::<Asked>().cloned() else {
        return Failure::new(Code::Internal, "The request has no id.").into_response();
    };
    let run = next.run(Request::from_parts(parts, Body::from(body)));
    once(&app, Some(key), &print, &asked, run).await
}

/// Runs the request unless its key says that it ran before. The work goes on when the client leaves.
pub(crate) async fn once<F>(app: &App, key: Option<String>, print: &str, asked: &Asked, run: F) -> Response
where
    F: Future<Output = Response> + Send + 'static,
{
    let Some(key) = key else { return in_own_task(run).await };
    match reserve(app, &key, print).await {
        Ok(None) => {}
        Ok(Some((status, kept))) => return replay(status, &kept),
        Err(refused) => return refused.into_response(),
    }
    let (app, asked) = (app.clone(), asked.clone());
    in_own_task(async move { keep(&app, &key, write_out(run.await, &asked)).await }).await
}

/// The same for a request that changes nothing: it runs each time, and only that it was answered is kept.
pub(crate) async fn anew<F>(app: &App, key: Option<String>, print: &str, run: F) -> Response
where
    F: Future<Output = Response> + Send + 'static,
{
    let Some(key) = key else { return in_own_task(run).await };
    let answered = match reserve(app, &key, print).await {
        Ok(answered) => answered.is_some(),
        Err(refused) => return refused.into_response(),
    };
    let app = app.clone();
    in_own_task(async move {
        let mut response = run.await;
        if answered {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            return response;
        }
        let status = response.status();
        let answer = (!is_worth_another_try(status)).then(|| (status.as_u16(), String::new()));
        if let Err(error) = app.engine.store().keep_answer(&key, answer).await {
            tracing::warn!(error = %error, "an idempotency key was not noted as answered");
        }
        response
    })
    .await
}

/// The status and the kept answer of a request that ran before; `None` for one that is to run now.
async fn reserve(app: &App, key: &str, print: &str) -> Result<Option<(u16, String)>, Failure> {
    match app.engine.store().reserve(key, print, now()).await? {
        Reservation::Fresh => Ok(None),
        Reservation::Answered(status, kept) => Ok(Some((status, kept))),
        Reservation::Running => Err(in_use()),
        Reservation::Other => {
            let detail =
                "This Idempotency-Key was used for another request; use a new key for a new request.";
            Err(Failure::new(Code::KeyReused, detail))
        }
    }
}

/// The problem of a key whose first request has not been answered yet.
pub(crate) fn in_use() -> Failure {
    let detail = "The first request with this Idempotency-Key is still running; send it again in a second.";
    Failure::new(Code::KeyInUse, detail)
}

/// The key of a request, if it names one.
///
/// # Errors
/// `bad-request` for an empty or overlong key, or one that is not printable ASCII.
pub(crate) fn key_of(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let Some(key) = headers.get(KEY) else { return Ok(None) };
    let text = key.to_str().unwrap_or_default().trim();
    if !(1..=MAX_KEY_CHARS).contains(&text.len()) {
        let detail = format!("An Idempotency-Key has 1 to {MAX_KEY_CHARS} printable ASCII characters.");
        return Err(Failure::new(Code::BadRequest, detail));
    }
    Ok(Some(text.to_owned()))
}

/// What makes two requests the same: the address and the parts of the body, each with its length.
#[must_use]
pub(crate) fn fingerprint(path: &str, parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in [b"POST".as_slice(), path.as_bytes()].iter().chain(parts) {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hex(&hasher.finalize())
}

/// A small body, within [`MAX_BODY_BYTES`] and [`BODY_TIMEOUT`].
///
/// # Errors
/// `too-large`, or `upload-aborted` when it does not arrive.
pub(crate) async fn read_body(body: Body) -> Result<Bytes, Failure> {
    let read = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, MAX_BODY_BYTES)).await;
    match read {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_length_limit(&error) => {
            Err(Failure::new(Code::TooLarge, format!("The body may have at most {MAX_BODY_BYTES} bytes.")))
        }
        Ok(Err(_)) | Err(_) => {
            Err(Failure::new(Code::UploadAborted, "The body of the request did not arrive in full."))
        }
    }
}

/// Whether the body is an upload in parts.
#[must_use]
pub(crate) fn is_upload(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("multipart/")
}

/// An answer as it is kept beside its status.
#[derive(Serialize, Deserialize)]
struct Kept {
    headers: Vec<(String, String)>,
    body: String,
}

/// Keeps the answer and gives it back; a request that had no effect frees its key.
async fn keep(app: &App, key: &str, response: Response) -> Response {
    let status = response.status();
    let (parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, MAX_ANSWER_BYTES).await else {
        let _freed = app.engine.store().keep_answer(key, None).await;
        return Failure::new(Code::Internal, "The answer could not be kept.").into_response();
    };
    let answer = (!is_worth_another_try(status)).then(|| {
        let kept =
            Kept { headers: kept_headers(&parts.headers), body: String::from_utf8_lossy(&body).into_owned() };
        (status.as_u16(), serde_json::to_string(&kept).expect("texts are always JSON"))
    });
    if let Err(error) = app.engine.store().keep_answer(key, answer).await {
        // The action itself is durable; only its repetition is not covered any more.
        tracing::warn!(error = %error, "an answer could not be kept under its idempotency key");
    }
    Response::from_parts(parts, Body::from(body))
}

/// Whether an answer says that the request had no effect.
fn is_worth_another_try(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::REQUEST_TIMEOUT
        || status == StatusCode::TOO_MANY_REQUESTS
}

fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let each =
        KEPT_HEADERS.iter().flat_map(|name| headers.get_all(name).iter().map(move |value| (name, value)));
    each.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect()
}

fn replay(status: u16, kept: &str) -> Response {
    let Ok(kept) = serde_json::from_str::<Kept>(kept) else {
        return Failure::new(Code::Internal, "The kept answer cannot be read.").into_response();
    };
    let mut response = Response::new(Body::from(kept.body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    for (name, value) in kept.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// Runs to the end whether or not the client is still there.
async fn in_own_task<F>(run: F) -> Response
where
    F: Future<Output = Response> + Send + 'static,
{
    match tokio::spawn(run).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(error = %error, "a request's task ended early");
            Failure::new(Code::Internal, "The request was given up.").into_response()
        }
    }
}

fn is_length_limit(error: &axum::Error) -> bool {
    use std::error::Error as _;
    error.source().is_some_and(|source| source.is::<http_body_util::LengthLimitError>())
}
