//! Addresses of a recipe: what may stand in them, and what a row may not make of them.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use http::Uri;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use onward_core::input::InputRow;
use onward_core::problem::{Code, Problem};
use onward_core::processor::Call;
use url::Url;

use crate::invalid::Wrong;
use crate::outbound::Outbound;

/// The header under which a target can recognise a repeat.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// W3C Trace Context, so that a target's traces can be joined with the row.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The job.
pub(crate) const ONWARD_JOB: HeaderName = HeaderName::from_static("onward-job");
/// The row, from 1.
pub(crate) const ONWARD_ROW: HeaderName = HeaderName::from_static("onward-row");
/// Which try this is, from 1.
pub(crate) const ONWARD_TRY: HeaderName = HeaderName::from_static("onward-try");
/// The longest of these, in bytes; a longer one would only take another moment.
const LONGEST: usize = 64;
/// No address is longer, in bytes: the limit of most servers.
const MAX_URL: usize = 8_192;

/// What no row changes of an address: scheme, host and port. Understood once, because to understand a host
/// takes longer than all the rest of an address.
#[derive(Debug)]
pub(crate) struct Origin {
    written: String,
    scheme: Scheme,
    authority: Authority,
}

/// Checks an address of a recipe before any row: scheme, host, and that no row chooses the host.
///
/// # Errors
/// `blocked-address` when the host may not be called; everything else goes to `wrong`.
pub(crate) fn check_template(
    url: &str,
    path: &str,
    outbound: &Outbound,
    wrong: &mut Wrong,
) -> Result<Option<Origin>, Problem> {
    let Some((scheme, rest)) =
        url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
    else {
        wrong.add(path, format!("`{path}` must begin with https:// or http://"));
        return Ok(None);
    };
    let host = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    if host.contains(['{', '}']) {
        wrong.add(path, format!("the host of `{path}` must be written out; a row may not choose it"));
        return Ok(None);
    }
    let written = format!("{scheme}://{host}");
    let url = match Url::parse(&written) {
        Ok(url) => url,
        Err(error) => {
            wrong.add(path, format!("`{path}` is no address: {error}"));
            return Ok(None);
        }
    };
    let checked = outbound.check_url(&url);
    checked.map_err(|refused| Problem::new(Code::BlockedAddress, refused.to_string()))?;
    let parts = Uri::try_from(url.as_str()).map(Uri::into_parts).ok();
    let origin =
        parts.and_then(|parts| Some(Origin { written, scheme: parts.scheme?, authority: parts.authority? }));
    if origin.is_none() {
        wrong.add(path, format!("the host of `{path}` cannot be called"));
    }
    Ok(origin)
}

/// The headers that say which row this is. A batch has no key as a whole: its rows are put together
/// anew when some of them are called again, so each row's key is in the body.
pub(crate) fn trace(headers: &mut HeaderMap, call: &Call, rows: &[Arc<InputRow>]) {
    let mut written = String::with_capacity(LONGEST);
    let mut set = |name, text: fmt::Arguments<'_>| {
        written.clear();
        written.write_fmt(text).expect("memory takes what is written to it");
        let value = HeaderValue::from_str(&written);
        headers.insert(name, value.expect("ids and numbers are fit for a header"));
    };
    let (job, attempt) = (call.job, call.attempt);
    set(ONWARD_JOB, format_args!("{job}"));
    if let Some(first) = rows.first() {
        // The trace is the job, the span is the row (the first of a batch) and its try.
        set(TRACEPARENT, format_args!("00-{}-{:08x}{attempt:08x}-01", job.0.simple(), first.index.row()));
    }
    if let [row] = rows {
        set(IDEMPOTENCY_KEY, format_args!("{}", call.idempotency_key(row)));
        headers.insert(ONWARD_ROW, row.index.row().into());
    }
    headers.insert(ONWARD_TRY, attempt.into());
}

/// The address of one row, or why there is none.
pub(crate) fn of_row(origin: &Origin, text: &str) -> Result<Uri, &'static str> {
    if text.len() > MAX_URL {
        return Err("the address of this row is too long");
    }
    let path = text.split_once("://").map_or(text, |(_, rest)| rest).split(['?', '#']).next().unwrap_or(text);
    // `..` would be resolved away and lead to another address than the recipe's.
    let climbs = |part: &str| {
        part.len() <= "%2e%2e".len()
            && matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
    };
    if path.split(['/', '\\']).any(climbs) {
        return Err("`.` and `..` cannot be looked up: they would lead to another address");
    }
    match text.strip_prefix(&*origin.written).filter(|path| is_plain(path)) {
        Some(path) => behind(origin, path).ok(),
        None => Url::parse(text).ok().and_then(|url| Uri::try_from(url.as_str()).ok()),
    }
    .ok_or("the address of this row is not valid")
}

fn behind(origin: &Origin, path: &str) -> Result<Uri, http::Error> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(origin.scheme.clone());
    parts.authority = Some(origin.authority.clone());
    parts.path_and_query = Some(PathAndQuery::from_maybe_shared(Bytes::copy_from_slice(path.as_bytes()))?);
    Ok(Uri::from_parts(parts)?)
}

/// Whether it is written behind an origin as it would be once a whole address is read: nothing in it has to be
/// encoded, left out or taken for something else.
fn is_plain(path: &str) -> bool {
    path.starts_with('/')
        && path.bytes().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'/' | b'?' | b'-' | b'.' | b'_' | b'~' | b'%' | b'!' | b'$' | b'&')
                || matches!(byte, b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_row(text: &str) -> Result<Uri, &'static str> {
        let origin = check_template("http://a/x", "url", &Outbound::default(), &mut Wrong::new());
        super::of_row(&origin.unwrap().unwrap(), text)
    }

    /// What a browser makes of an address.
    fn read(text: &str) -> Option<Uri> {
        Url::parse(text).ok().and_then(|url| Uri::try_from(url.as_str()).ok())
    }

    #[test]
    fn an_address_means_the_same_behind_its_origin() {
        for path in [
            "/c/anna",
            "/c?x=%2F..",
            "/",
            "//evil.example/x",
            "/\\evil.example",
            "/\t/evil.example",
            "/\n\\evil",
            "/ /x",
            "/c/å",
            "",
            "?x=1",
            "#y",
            "/c#y",
            ":81/x",
            ".evil.example/x",
            "@evil.example/",
            "/@evil.example/",
            "/:81/",
            "/http://evil.example/",
            "/c/a|b\"<>`{}",
            "/%zz",
            "/c//d",
            "/x\\y",
            "/c?x='",
            "\\evil.example",
        ] {
            let text = format!("http://a{path}");
            assert_eq!(of_row(&text).ok(), read(&text), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_stands_behind_an_origin_is_read_alike(path in "[/?#%.:@;=&a-c0-2|'\"<>{} \t\\\\å]{0,12}") {
            let text = format!("http://a{path}");
            // What would lead elsewhere is refused, which another test is about.
            if let Ok(uri) = of_row(&text) {
                proptest::prop_assert_eq!(Some(uri), read(&text), "{:?}", text);
            }
        }
    }

    #[test]
    fn a_row_cannot_lead_to_another_address() {
        for text in
            ["http://a/c/..", "http://a/c/.", "http://a/c/%2e%2E/x", "http://a/../x?y", "http://a/c/.%2e"]
        {
            assert!(of_row(text).is_err(), "{text}");
        }
        for text in
            ["http://a/c/..b", "http://a/c/a.b", "http://a/c/...", "http://a/c?x=..", "http://a/c/..%2Fx"]
        {
            assert!(of_row(text).is_ok(), "{text}");
        }
        assert!(of_row(&format!("http://a/{}", "x".repeat(9_000))).is_err());
    }

    #[test]
    fn the_host_is_the_recipe_s_alone() {
        for (url, fine) in [
            ("https://api.example.com/{{ handle }}", true),
            ("https://{{ handle }}/x", false),
            ("https://api.example.com{{ handle }}/x", false),
            ("https://a@{{ handle }}", false),
            ("ftp://example.com/", false),
            ("{{ handle }}", false),
            ("https://exa mple.com/", false),
        ] {
            let mut wrong = Wrong::new();
            check_template(url, "fetch.url", &Outbound::default(), &mut wrong).unwrap();
            assert_eq!(crate::invalid::problem(wrong).is_none(), fine, "{url}");
        }
        let blocked = check_template(
            "http://169.254.169.254/{{ a }}",
            "fetch.url",
            &Outbound::default(),
            &mut Wrong::new(),
        );
        assert_eq!(blocked.unwrap_err().code, Code::BlockedAddress);
    }
}
