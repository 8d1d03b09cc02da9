//! What a call is answered: well, or in one of the ways in which targets misbehave.

use std::time::{Duration, UNIX_EPOCH};

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde_json::json;

use super::script::{Behaviour, Reply, Reset};

/// Two mebibytes of `x`, packed.
const BOMB: &[u8] = include_bytes!("two_mib_of_x.gz");

/// An answer, and what it means for the witness.
pub(super) struct Answer {
    pub(super) response: Response,
    /// It asks for another call.
    pub(super) refuses: bool,
    /// The target has done what it was called for.
    pub(super) acts: bool,
}

/// The answer to a call for a handle that was refused so often before.
pub(super) fn answer(handle: &str, behaviour: Behaviour, refused: u32, method: &str) -> Answer {
    let acts = behaviour.reply != Reply::ActsAndHangs;
    let found = || Answer { response: found(handle, behaviour, method), refuses: false, acts };
    let refuse = |response: Response| Answer { response, refuses: true, acts: false };
    let say = |response: Response| Answer { response, refuses: false, acts: false };
    match behaviour.reply {
        Reply::ServerError { times } if refused < times => {
            refuse(StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }
        Reply::Throttle { times, retry_after_s } if refused < times => {
            let after = [(header::RETRY_AFTER, retry_after_s.to_string())];
            refuse((StatusCode::TOO_MANY_REQUESTS, after).into_response())
        }
        Reply::Storm(reset) if refused == 0 => {
            refuse((StatusCode::TOO_MANY_REQUESTS, [in_a_second(reset)]).into_response())
        }
        Reply::NotFoundOnce if refused == 0 => refuse(StatusCode::NOT_FOUND.into_response()),
        Reply::Lost { times } if refused < times => {
            Answer { response: cut(br#"{"outcome": "#), refuses: true, acts: true }
        }
        Reply::Moved if method == "GET" && refused == 0 => {
            let to = format!("/moved/{handle}");
            let headers = [(header::LOCATION, to), (header::SET_COOKIE, "followed=1".to_owned())];
            refuse((StatusCode::FOUND, headers).into_response())
        }
        Reply::Found
        | Reply::Hang
        | Reply::ActsAndHangs
        | Reply::ServerError { .. }
        | Reply::Throttle { .. }
        | Reply::Storm(_)
        | Reply::NotFoundOnce
        | Reply::Lost { .. }
        | Reply::Moved => found(),
        Reply::LastCall => {
            let mut answer = found();
            for (name, value) in [("ratelimit-remaining", "0"), ("ratelimit-reset", "1")] {
                answer.response.headers_mut().insert(name, HeaderValue::from_static(value));
            }
            answer
        }
        Reply::Forbidden => {
            let body = axum::Json(json!({ "error": "this profile is private" }));
            say((StatusCode::FORBIDDEN, body).into_response())
        }
        Reply::NotFound => say(axum::Json(json!({ "items": [] })).into_response()),
        Reply::ErrorInside => {
            let body = json!({ "error": true, "status": 400, "message": "the handle is not valid" });
            say(axum::Json(body).into_response())
        }
        Reply::QuotaExceeded => {
            let body = json!({ "error": { "code": 403, "message": "the quota is used up",
                                          "errors": [{ "reason": "quotaExceeded" }] } });
            say((StatusCode::FORBIDDEN, axum::Json(body)).into_response())
        }
        Reply::Html => say(axum::response::Html("<h1>Please log in</h1>").into_response()),
        Reply::Truncated => say("{\"handle\": \"an".into_response()),
        Reply::Endless => {
            say(Body::from_stream(stream::repeat_with(|| piece(&[b'x'; 16 * 1024]))).into_response())
        }
        Reply::Bomb => say(([(header::CONTENT_ENCODING, "gzip")], BOMB).into_response()),
        Reply::Dripping => say(dripping()),
    }
}

fn found(handle: &str, behaviour: Behaviour, method: &str) -> Response {
    if method == "POST" {
        return axum::Json(json!({ "outcome": "added" })).into_response();
    }
    let creator = json!({ "handle": handle, "followers": behaviour.followers, "country": "DE" });
    let mut body = creator.clone();
    body["items"] = json!([creator]);
    axum::Json(body).into_response()
}

fn piece(bytes: &[u8]) -> Result<Bytes, std::io::Error> {
    Ok(Bytes::copy_from_slice(bytes))
}

/// The beginning of an answer, and then the connection breaks.
fn cut(beginning: &[u8]) -> Response {
    let pieces = [piece(beginning), Err(std::io::Error::other("cut"))];
    Body::from_stream(stream::iter(pieces)).into_response()
}

fn dripping() -> Response {
    let drops = stream::unfold((), |()| async {
        // The time between two bytes is what this answer is about.
        tokio::time::sleep(Duration::from_millis(100)).await;
        Some((piece(b" "), ()))
    });
    Body::from_stream(drops).into_response()
}

fn in_a_second(reset: Reset) -> (HeaderName, HeaderValue) {
    let later = crate::wait::clock() + Duration::from_secs(1);
    let since = later.duration_since(UNIX_EPOCH).unwrap_or_default();
    let x = HeaderName::from_static("x-ratelimit-reset");
    let (name, value) = match reset {
        Reset::Seconds => (header::RETRY_AFTER, "1".to_owned()),
        Reset::Date => (header::RETRY_AFTER, httpdate::fmt_http_date(later + Duration::from_millis(999))),
        Reset::RateLimit => (HeaderName::from_static("ratelimit-reset"), "1".to_owned()),
        Reset::Delta => (x, "1".to_owned()),
        Reset::Epoch => (x, (since.as_secs() + 1).to_string()),
        Reset::EpochMs => (x, since.as_millis().to_string()),
    };
    (name, HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("1")))
}
