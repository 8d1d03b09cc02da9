//! The message that a plain form's answer leaves for the next page, in a cookie.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::problem::Asked;
use crate::web::FLASH_COOKIE;

/// How long the message waits for its page, in seconds: one redirect.
const SECONDS: u32 = 60;

/// Whether it went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It did.
    Success,
    /// It did not.
    Error,
}

/// A message for the next page.
#[derive(Debug, Clone, Copy)]
pub struct Flash<'a> {
    /// Whether it went well.
    pub kind: Kind,
    /// What happened.
    pub title: &'a str,
    /// More about it; may be empty.
    pub detail: &'a str,
}

impl Flash<'_> {
    /// 303 to a page of ours, which shows the message.
    #[must_use]
    pub fn redirect(self, place: &str, asked: &Asked) -> Response {
        let kind = match self.kind {
            Kind::Success => "success",
            Kind::Error => "error",
        };
        let text = json!({ "kind": kind, "title": self.title, "detail": self.detail,
            "request_id": asked.request_id });
        let text = percent_encoded(&text.to_string());
        let cookie = format!("{FLASH_COOKIE}={text}; Path=/; Max-Age={SECONDS}; HttpOnly; SameSite=Strict");
        let mut response = StatusCode::SEE_OTHER.into_response();
        for (name, value) in [(header::LOCATION, place), (header::SET_COOKIE, cookie.as_str())] {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
