//! Styles, scripts and icons, compiled into the binary.
//!
//! Pages name them as `/assets/<digest>/<name>`: the digest covers all files, so such an address
//! never changes its content and is cached for ever, and scripts import their neighbours by relative
//! names. `/assets/<name>` answers too and is checked by ETag at each use.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use onward_core::hex::hex;
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};

/// A year, the longest time caches honour.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Kept, but asked for at each use.
const CHECK: &str = "no-cache";

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Assets;

static DIGEST: LazyLock<String> = LazyLock::new(|| {
    let mut digest = Sha256::new();
    for name in Assets::iter() {
        digest.update(name.as_bytes());
        digest.update(Assets::get(&name).map(|file| file.metadata.sha256_hash()).unwrap_or_default());
    }
    short(&digest.finalize())
});

/// The address of an asset, to be written into a page.
#[must_use]
pub(crate) fn href(name: &str) -> String {
    format!("/assets/{}/{name}", *DIGEST)
}

/// The first 16 characters tell two versions apart well enough and keep pages short.
fn short(digest: &[u8]) -> String {
    hex(&digest[..8])
}

/// An asset's bytes; empty when there is none of that name.
#[cfg(test)]
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    Assets::get(name).map(|file| file.data.into_owned()).unwrap_or_default()
}

/// Answers `/assets/<name>` and `/assets/<digest>/<name>`.
pub(crate) async fn serve(Path(path): Path<String>, request: HeaderMap) -> Response {
    let (name, caching) = match path.split_once('/') {
        Some((digest, name)) if digest == *DIGEST => (name, FOR_EVER),
        Some(_) | None => (path.as_str(), CHECK),
    };
    let Some(file) = Assets::get(name) else {
        return (StatusCode::NOT_FOUND, "there is no such asset").into_response();
    };
    let etag = format!("\"{}\"", short(&file.metadata.sha256_hash()));
    let caching = [(header::CACHE_CONTROL, caching.to_owned()), (header::ETAG, etag.clone())];
    if request.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, content_type(&file, name))], file.data).into_response()
}

fn content_type(file: &EmbeddedFile, name: &str) -> String {
    let kind = file.metadata.mimetype();
    if kind.starts_with("text/") || name.ends_with(".js") {
        format!("{kind}; charset=utf-8")
    } else {
        kind.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(path: &str, known: Option<&str>) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(known) = known {
            headers.insert(header::IF_NONE_MATCH, known.parse().unwrap());
        }
        serve(Path(path.to_owned()), headers).await
    }

    fn text<'a>(answer: &'a Response, name: &str) -> &'a str {
        answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[tokio::test]
    async fn a_named_version_is_cached_for_ever_and_the_plain_name_is_checked() {
        let path = href("sprite.svg");
        let answer = get(path.strip_prefix("/assets/").unwrap(), None).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(text(&answer, "content-type"), "image/svg+xml");
        assert_eq!(text(&answer, "cache-control"), FOR_EVER);
        let answer = get("sprite.svg", None).await;
        assert_eq!(text(&answer, "cache-control"), CHECK);
        let etag = text(&answer, "etag").to_owned();
        assert_eq!(get("sprite.svg", Some(&etag)).await.status(), StatusCode::NOT_MODIFIED);
    }

    #[tokio::test]
    async fn scripts_come_as_scripts_and_unknown_names_as_not_found() {
        assert_eq!(text(&get("app.js", None).await, "content-type"), "text/javascript; charset=utf-8");
        for path in ["nothing.js", "../Cargo.toml", "0000000000000000/app.js"] {
            assert_eq!(get(path, None).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
