//! What a redirect leads to: the next call, or none.

use onward_core::processor::Answer;
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Method, Request, Response, Url};

use crate::answers::failed;

/// The call that follows a redirect, made of the one that was answered; `None` when the answer is none
/// that is followed. Whether the new address may be called is checked by whoever sends it.
pub(crate) fn next(mut request: Request, response: &Response) -> Option<Result<Request, Answer>> {
    let status = response.status().as_u16();
    // Only 307 and 308 promise that the call may be repeated as it was; the others turn into a GET,
    // which would not do what the recipe sends.
    let followed = match status {
        301..=303 => *request.method() == Method::GET,
        307 | 308 => true,
        _ => false,
    };
    let location = response.headers().get(LOCATION).filter(|_| followed)?;
    let from = request.url().clone();
    let to = location.to_str().ok().and_then(|to| from.join(to).ok());
    let Some(to) = to else { return Some(Err(failed("http-3xx", "the target redirects to no address"))) };
    if from.scheme() == "https" && to.scheme() != "https" {
        return Some(Err(failed(
            "http-3xx",
            "the target redirects from https to http, which is not followed",
        )));
    }
    if !same_origin(&from, &to) {
        let headers = std::mem::take(request.headers_mut());
        *request.headers_mut() = without_credentials(headers);
    }
    *request.url_mut() = to;
    Some(Ok(request))
}

fn same_origin(one: &Url, other: &Url) -> bool {
    one.origin() == other.origin()
}

/// What another host may see: nothing that is a secret, under whatever name.
fn without_credentials(headers: HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in &headers {
        let credentials = matches!(name.as_str(), "authorization" | "cookie" | "proxy-authorization");
        if !credentials && !value.is_sensitive() {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}
