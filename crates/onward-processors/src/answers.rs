//! What an HTTP status means for a row, and how long a target wants us to wait.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{DATE, HeaderMap, RETRY_AFTER};
use onward_core::pace::MAX_WAIT_MS;
use onward_core::processor::{Answer, Told};
use onward_core::row::{Outcome, Text, Verdict};
use serde_json::Value as Json;

use crate::client::Received;
use crate::settings::Secrets;

/// How long to wait when a target says "too many" and not for how long, in milliseconds.
pub(crate) const USUAL_WAIT_MS: u64 = 1_000;
/// A target that says "too many" and "wait 0 s" would otherwise be asked again without an end.
const MIN_WAIT_MS: u64 = 100;
/// A reset header above this is a moment since 1970 in seconds, not a number of seconds.
const FIRST_EPOCH_S: f64 = 1_000_000_000.0;
/// A reset header above this is such a moment in milliseconds.
const FIRST_EPOCH_MS: f64 = 100_000_000_000.0;
/// A target's own words are used up to this length, in characters.
const MAX_WORDS: usize = 200;
/// Members of an error body that hold words for people, in the order in which they are tried.
const WORDS: [&str; 5] = ["message", "error", "detail", "error_description", "title"];

/// A failed row.
pub(crate) fn failed(code: impl Into<Text>, message: impl Into<Text>) -> Answer {
    Answer::Done(Verdict::new(Outcome::Failed, code, message))
}

/// What every kind of work does with a status that says nothing about the row: wait or try again.
/// `None`: the row is decided by the answer.
pub(crate) fn not_now(received: &Received) -> Option<Answer> {
    let status = received.status;
    match status {
        429 => Some(throttled(received, "the target answered 429, too many requests".into())),
        503 if received.headers.contains_key(RETRY_AFTER) => {
            Some(throttled(received, "the target answered 503 and asked to wait".into()))
        }
        408 | 425 => Some(retry("http-4xx", status, None)),
        500..=599 => Some(retry("http-5xx", status, asked_wait(received).filter(|wait_ms| *wait_ms > 0))),
        _ => None,
    }
}

/// Whether the status is a success.
pub(crate) fn is_success(received: &Received) -> bool {
    (200..300).contains(&received.status)
}

/// How long the answer asks to wait, in milliseconds, if it does.
pub(crate) fn asked_wait(received: &Received) -> Option<u64> {
    asked_wait_by(&received.headers)
}

/// The same by its headers alone.
pub(crate) fn asked_wait_by(headers: &HeaderMap) -> Option<u64> {
    asked_wait_ms(headers, SystemTime::UNIX_EPOCH + since_1970())
}

/// Tells the engine when the answer says that no call is left, before the target has to refuse one.
pub(crate) fn tell_limit(received: &Received, told: &Told) {
    // Most targets say nothing of a limit; every answer comes by here.
    if !received.headers.keys().any(|name| name.as_str().contains("limit")) {
        return;
    }
    let wait_ms = closed_ms(&received.headers, SystemTime::UNIX_EPOCH + since_1970());
    told.no_call_for(wait_ms.unwrap_or(0));
}

/// The target asks to slow down: for as long as it says.
pub(crate) fn throttled(received: &Received, message: Text) -> Answer {
    let wait_ms = asked_wait(received).unwrap_or(USUAL_WAIT_MS).clamp(MIN_WAIT_MS, MAX_WAIT_MS);
    Answer::Throttled { wait_ms, message }
}

/// The credentials that `place` of the recipe sends are refused: no row can be done any more.
pub(crate) fn unauthorized(place: &str) -> Answer {
    let message = format!("the target answered 401: the credentials in `{place}` are refused");
    Answer::Fatal { code: "unauthorized".into(), message: message.into(), wait_ms: None }
}

/// The failed row for a status that is neither a success nor [`not_now`]. A 404 is confirmed: some
/// targets say it while they throttle.
pub(crate) fn refusal(received: &Received, body: &Json, secrets: &Secrets) -> Answer {
    let status = received.status;
    let words = words(body, secrets);
    let told = words.as_ref().map_or(String::new(), |words| format!(": {words}"));
    match status {
        403 => failed("not-allowed", words.map_or("the target does not show it (403)".into(), Text::from)),
        404 => {
            let message = "the target does not know it (404)";
            Answer::Confirm(Box::new(Verdict::new(Outcome::Failed, "not-found", message)))
        }
        300..=399 => {
            failed("http-3xx", format!("the target answered {status}, a redirect that is not followed"))
        }
        400..=499 => failed("http-4xx", format!("the target answered {status}{told}")),
        _ => failed("bad-answer", format!("the target answered with the status {status}")),
    }
}

/// The target's own words for what is wrong, fit to be shown: short, one line, no secret.
pub(crate) fn words(body: &Json, secrets: &Secrets) -> Option<String> {
    let members = body.as_object()?;
    let found = WORDS.iter().filter_map(|name| members.get(*name)).find_map(|value| match value {
        Json::String(text) => Some(text.as_str()),
        Json::Object(inner) => inner.get("message").and_then(Json::as_str),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => None,
    })?;
    let line = one_line(found, MAX_WORDS);
    (!line.is_empty()).then(|| secrets.hide(line))
}

/// A text of somebody else's on one line and without anything a terminal would act on.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let mut line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(most)
        .collect::<String>()
        .trim()
        .to_owned();
    if text.chars().count() > most {
        line.push('…');
    }
    line
}

fn retry(code: &'static str, status: u16, wait_ms: Option<u64>) -> Answer {
    Answer::Retry { code: code.into(), message: format!("the target answered {status}").into(), wait_ms }
}

/// What the target says about waiting, in milliseconds from now, at most [`MAX_WAIT_MS`].
///
/// `Retry-After` (seconds or a date) goes first; then `RateLimit-Reset` (seconds), `X-RateLimit-Reset`
/// and `X-Rate-Limit-Reset` (seconds, or a moment since 1970), and `RateLimit` with `t=`. Dates are
/// compared with the target's own `Date` where it sends one, so that its clock may be wrong.
fn asked_wait_ms(headers: &HeaderMap, now: SystemTime) -> Option<u64> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let now = text(DATE.as_str()).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    let until = |then: SystemTime| then.duration_since(now).unwrap_or(Duration::ZERO);
    if let Some(after) = text(RETRY_AFTER.as_str()) {
        if let Some(seconds) = seconds(after) {
            return Some(clamp_s(seconds));
        }
        if let Ok(date) = httpdate::parse_http_date(after) {
            return Some(clamp_s(until(date).as_secs_f64()));
        }
    }
    reset_ms(headers, now)
}

/// For how long no call is left, in milliseconds; `None` when some are, or nothing is said.
///
/// Both drafts of the rate limit headers (`RateLimit-Remaining: 0`, `RateLimit: remaining=0` and
/// `RateLimit: "default";r=0`), and the `X-` forms of before.
fn closed_ms(headers: &HeaderMap, now: SystemTime) -> Option<u64> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let names = ["ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining"];
    let plain = names.iter().find_map(|name| text(name).and_then(seconds));
    let left = plain.or_else(|| member(text("ratelimit")?, &["r=", "remaining="]))?;
    if left > 0.0 {
        return None;
    }
    let now = text(DATE.as_str()).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    reset_ms(headers, now).filter(|wait_ms| *wait_ms > 0)
}

/// When the limit is reset, in milliseconds from now.
fn reset_ms(headers: &HeaderMap, now: SystemTime) -> Option<u64> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    for name in ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"] {
        if let Some(value) = text(name).and_then(seconds) {
            let now_s = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            return Some(clamp_s(match value {
                moment_ms if moment_ms >= FIRST_EPOCH_MS => moment_ms / 1_000.0 - now_s,
                moment_s if moment_s >= FIRST_EPOCH_S => moment_s - now_s,
                wait_s => wait_s,
            }));
        }
    }
    member(text("ratelimit")?, &["t=", "reset="]).map(clamp_s)
}

/// A number among the members of a structured header.
fn member(header: &str, names: &[&str]) -> Option<f64> {
    let mut parts = header.split([';', ',']).map(str::trim);
    parts.find_map(|part| names.iter().find_map(|name| part.strip_prefix(name))).and_then(seconds)
}

fn seconds(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|seconds| seconds.is_finite())
}

fn clamp_s(seconds: f64) -> u64 {
    (seconds * 1_000.0).ceil().clamp(0.0, MAX_WAIT_MS as f64) as u64
}

#[expect(clippy::disallowed_methods, reason = "an edge: a date in an answer means nothing without today's")]
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{HeaderName, HeaderValue};

    fn wait(headers: &[(&'static str, &str)]) -> Option<u64> {
        let pairs = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        let now = httpdate::parse_http_date("Mon, 23 Nov 2026 12:00:00 GMT").unwrap();
        asked_wait_ms(&pairs.collect(), now)
    }

    #[test]
    fn the_target_s_wish_is_read_in_every_form_and_kept_within_an_hour() {
        for (headers, ms) in [
            (&[("retry-after", "2")][..], Some(2_000)),
            (&[("retry-after", "0.5")], Some(500)),
            (&[("retry-after", "1e12")], Some(MAX_WAIT_MS)),
            (&[("retry-after", "1000000000000")], Some(MAX_WAIT_MS)),
            (&[("retry-after", "-5")], Some(0)),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "nan")], None),
            (&[("retry-after", "Mon, 23 Nov 2026 12:00:07 GMT")], Some(7_000)),
            (&[("retry-after", "Mon, 23 Nov 2020 12:00:00 GMT")], Some(0)),
            (
                &[
                    ("retry-after", "Mon, 23 Nov 2020 12:00:09 GMT"),
                    ("date", "Mon, 23 Nov 2020 12:00:00 GMT"),
                ],
                Some(9_000),
            ),
            (&[("ratelimit-reset", "30")], Some(30_000)),
            (&[("x-ratelimit-reset", "30")], Some(30_000)),
            (&[("x-ratelimit-reset", "1795435205")], Some(5_000)),
            (&[("x-ratelimit-reset", "1795435205500")], Some(5_500)),
            (&[("ratelimit", "limit=100, remaining=0, reset=50")], Some(50_000)),
            (&[("ratelimit", "\"default\";r=0;t=12")], Some(12_000)),
            (&[("retry-after", "1"), ("ratelimit-reset", "30")], Some(1_000)),
            (&[], None),
        ] {
            assert_eq!(wait(headers), ms, "{headers:?}");
        }
    }

    #[test]
    fn a_limit_that_is_used_up_is_known_before_a_call_is_refused() {
        let closed = |headers: &[(&'static str, &str)]| {
            let pairs = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
            let now = httpdate::parse_http_date("Mon, 23 Nov 2026 12:00:00 GMT").unwrap();
            closed_ms(&pairs.collect(), now)
        };
        for (headers, ms) in [
            (&[("ratelimit-remaining", "0"), ("ratelimit-reset", "12")][..], Some(12_000)),
            (&[("ratelimit-remaining", "3"), ("ratelimit-reset", "12")], None),
            (&[("ratelimit", "\"default\";r=0;t=7")], Some(7_000)),
            (&[("ratelimit", "\"default\";r=5;t=7")], None),
            (&[("ratelimit", "limit=10, remaining=0, reset=9")], Some(9_000)),
            (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795435205")], Some(5_000)),
            (&[("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", "1795435203000")], Some(3_000)),
            (&[("x-ratelimit-remaining", "0")], None),
            (&[("x-ratelimit-remaining", "none")], None),
        ] {
            assert_eq!(closed(headers), ms, "{headers:?}");
        }
    }

    #[test]
    fn a_target_s_words_are_short_one_line_and_without_secrets() {
        let secrets = Secrets::from_pairs([("KEY", "canary")]);
        let words = |body: Json| words(&body, &secrets);
        assert_eq!(
            words(serde_json::json!({ "error": "bad\u{1b}[31m token\ncanary" })).unwrap(),
            "bad [31m token (secret)"
        );
        assert_eq!(words(serde_json::json!({ "error": { "message": "no" } })).unwrap(), "no");
        assert_eq!(words(serde_json::json!({ "error": "x".repeat(500) })).unwrap().chars().count(), 201);
        assert_eq!(words(serde_json::json!([1])), None);
        assert_eq!(words(serde_json::json!({ "error": " " })), None);
    }
}
