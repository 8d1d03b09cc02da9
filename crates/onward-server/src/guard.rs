//! Keeps other sites out: the Host allow-list, the cross-site check, and the security headers.
//!
//! On loopback there is no login, so the browser is the only way in for a stranger. A page of
//! another site can reach this server in two ways, and both end here: by a name of its own that
//! resolves to 127.0.0.1 (DNS rebinding; its Host header gives it away), and by sending a form or a
//! script's request across sites (Sec-Fetch-Site and Origin give it away).

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use onward_core::problem::Code;

use crate::problem::Failure;
use crate::state::{App, Settings};

/// Only our own scripts, styles and forms; nobody may frame us.
pub(crate) const CSP: &str =
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/// Refuses what comes from elsewhere and puts the security headers on every answer.
pub(crate) async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    let private = request.uri().path().starts_with("/api/");
    let mut response = match judge(&app.settings, &request) {
        Ok(()) => next.run(request).await,
        Err(failure) => failure.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if private && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

fn judge(settings: &Settings, request: &Request) -> Result<(), Failure> {
    let host = match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => text(request.headers(), &header::HOST),
    };
    if let Some(host) = host.filter(|host| !is_ours(settings, host)) {
        let detail = format!("This server does not answer to `{host}`; use http://{}/.", settings.listen);
        return Err(Failure::new(Code::WrongHost, detail));
    }
    let method = request.method();
    if method == Method::GET || method == Method::HEAD || method == Method::OPTIONS {
        return Ok(());
    }
    same_site(request.headers(), host)
}

/// A state-changing request must come from a page of this very origin, or from no page at all.
/// `same-site` is not enough: every port of localhost is the same site.
fn same_site(headers: &HeaderMap, host: Option<&str>) -> Result<(), Failure> {
    let from = text(headers, &HeaderName::from_static("sec-fetch-site"));
    let foreign_fetch = from.is_some_and(|from| from != "same-origin" && from != "none");
    let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or("null"));
    let foreign_origin = origin.is_some_and(|origin| {
        let name = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        name.is_none() || name != host
    });
    if foreign_fetch || foreign_origin {
        let detail = "This request was sent by a page of another site, so it was refused; nothing changed.";
        return Err(Failure::new(Code::CrossSite, detail));
    }
    Ok(())
}

/// Names on which the server may be reached. A name that only resolves to it is not enough.
fn is_ours(settings: &Settings, host: &str) -> bool {
    let name = without_port(host);
    let listen = settings.listen.ip();
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        // An address is no name, so it cannot be rebound; a server on all addresses takes any.
        return ip == listen || ip.is_loopback() || listen.is_unspecified();
    }
    settings.hosts.iter().any(|known| known.eq_ignore_ascii_case(name) || known.eq_ignore_ascii_case(host))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            // `::1` is an address without a port, `[::1]:80` one with.
            if name.contains(':') && !name.ends_with(']') { host } else { name }
        }
        _ => host,
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(listen: &str, hosts: &[&str]) -> Settings {
        let mut settings = Settings::new(listen.parse().expect("an address"));
        settings.hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        settings
    }

    #[test]
    fn only_our_own_names_are_answered() {
        let local = settings("127.0.0.1:7313", &[]);
        for host in ["127.0.0.1:7313", "localhost:7313", "LOCALHOST", "[::1]:7313", "127.0.0.1"] {
            assert!(is_ours(&local, host), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example:7313", "192.168.1.7", "localhost.", "", ":7313"]
        {
            assert!(!is_ours(&local, host), "{host}");
        }
        let wide = settings("0.0.0.0:7313", &["onward.example.org"]);
        assert!(is_ours(&wide, "192.168.1.7:7313") && is_ours(&wide, "Onward.example.org:443"));
        assert!(!is_ours(&wide, "evil.example"));
    }
}
