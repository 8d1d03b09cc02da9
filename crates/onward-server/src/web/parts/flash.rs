//! The message a form's answer leaves for the next page, as a toast under the header.

use axum::http::{HeaderMap, HeaderValue, header};
use maud::{Markup, html};
use serde::Deserialize;

use crate::web::parts::badge::icon;

/// The cookie that carries it over one redirect.
pub const COOKIE: &str = "onward_flash";
/// Longer ones are not ours: browsers keep at most 4,096 bytes of a cookie.
const MOST_BYTES: usize = 4_096;

/// A message for the next page.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Flash {
    kind: Kind,
    title: String,
    #[serde(default)]
    detail: Option<String>,
    #[serde(default)]
    request_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Success,
    #[serde(other)]
    Error,
}

impl Flash {
    /// The message this request carries; one that cannot be read counts as none.
    #[must_use]
    pub(crate) fn of(request: &HeaderMap) -> Option<Self> {
        let cookies = request.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|cookies| cookies.split("; ")).filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(name, value)| *name == COOKIE && value.len() <= MOST_BYTES)?;
        serde_json::from_str(&decoded(value)?).ok()
    }

    /// The toast.
    #[must_use]
    pub(crate) fn toast(&self) -> Markup {
        let (class, sign, role) = match self.kind {
            Kind::Success => ("ok", "circle-check", "status"),
            Kind::Error => ("bad", "circle-alert", "alert"),
        };
        html! {
            div.toast.(class) role=(role) {
                (icon(sign))
                div {
                    strong { (self.title) }
                    @if let Some(detail) = self.detail.as_deref().filter(|detail| !detail.is_empty()) { p { (detail) } }
                    @if let (Kind::Error, Some(id)) = (self.kind, &self.request_id) { p.request { "Request " code { (id) } } }
                }
                button.dismiss type="button" aria-label="Dismiss" hidden { (icon("x")) }
            }
        }
    }
}

/// The header that takes the message away once it is shown.
#[must_use]
pub(crate) fn clear() -> HeaderValue {
    HeaderValue::from_static("onward_flash=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
}

/// Undoes percent-encoding; `None` when it is broken or no UTF-8.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'%', [high, low, after @ ..]) => {
                let pair = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?);
                rest = after;
            }
            (b'%', _) => return None,
            (b'+', _) => {
                bytes.push(b' ');
                rest = tail;
            }
            (plain, _) => {
                bytes.push(*plain);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(cookie: &str) -> Option<Flash> {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookie.parse().unwrap());
        Flash::of(&headers)
    }

    #[test]
    fn an_error_is_shown_with_its_request_id_and_escaped() {
        let cookie = "a=b; onward_flash=%7B%22kind%22%3A%22error%22%2C%22title%22%3A%22No%20%3Cb%3E%22%2C%22detail%22%3Anull%2C%22request_id%22%3A%22r7%22%7D";
        let toast = carried(cookie).unwrap().toast().into_string();
        assert!(toast.contains("No &lt;b&gt;") && toast.contains("r7"), "{toast}");
        assert!(toast.contains("role=\"alert\""), "{toast}");
    }

    #[test]
    fn what_cannot_be_read_is_no_message() {
        for cookie in ["onward_flash=%7", "onward_flash=%FF%FE", "onward_flash=hello", "other=1"] {
            assert_eq!(carried(cookie), None, "{cookie}");
        }
    }
}
