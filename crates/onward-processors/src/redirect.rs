//! What a redirect leads to: the next call, or none.

use http::header::{HeaderMap, HeaderValue, LOCATION};
use http::{Method, Response, Uri};
use onward_core::processor::Answer;
use url::Url;

use crate::answers::failed;
use crate::outbound::Outbound;
use crate::transport::Request;

/// The call that follows a redirect, made of the one that was answered; `None` when the answer is none
/// that is followed. The new address is checked like the first one.
pub(crate) fn next<T>(
    request: Request,
    response: &Response<T>,
    outbound: &Outbound,
) -> Option<Result<Request, Answer>> {
    // Only 307 and 308 promise that the call may be repeated as it was; the others turn into a GET,
    // which would not do what the recipe sends.
    let followed = match response.status().as_u16() {
        301..=303 => *request.method() == Method::GET,
        307 | 308 => true,
        _ => false,
    };
    let location = response.headers().get(LOCATION).filter(|_| followed)?;
    Some(follow(request, location, outbound))
}

fn follow(mut request: Request, location: &HeaderValue, outbound: &Outbound) -> Result<Request, Answer> {
    let nowhere = || failed("http-3xx", "the target redirects to no address");
    let location = location.to_str().map_err(|_| nowhere())?;
    let from = Url::parse(&request.uri().to_string()).map_err(|_| nowhere())?;
    let to = from.join(location).map_err(|_| nowhere())?;
    if from.scheme() == "https" && to.scheme() != "https" {
        return Err(failed("http-3xx", "the target redirects from https to http, which is not followed"));
    }
    outbound.check_url(&to)?;
    if from.origin() != to.origin() {
        let headers = std::mem::take(request.headers_mut());
        *request.headers_mut() = without_credentials(headers);
    }
    *request.uri_mut() = Uri::try_from(to.as_str()).map_err(|_| nowhere())?;
    Ok(request)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn led_to(location: &[u8]) -> Option<String> {
        let request = http::Request::get("http://a.example/x?y").body(http_body_util::Full::default());
        let location = HeaderValue::from_bytes(location).unwrap();
        let response = Response::builder().status(307).header(LOCATION, location).body(()).unwrap();
        let next =
            next(Box::new(request.unwrap()), &response, &Outbound::PublicOnly { allow: vec![] }).unwrap();
        next.ok().map(|request| request.uri().to_string())
    }

    #[test]
    fn a_redirect_leads_to_an_address_or_nowhere() {
        assert_eq!(led_to(b"/z").as_deref(), Some("http://a.example/z"));
        assert_eq!(led_to(b"https://b.example").as_deref(), Some("https://b.example/"));
        for nowhere in [&b"http://"[..], "http://a.example/å".as_bytes(), b"http://127.0.0.1/", b"ftp://a/"]
        {
            assert_eq!(led_to(nowhere), None, "{}", String::from_utf8_lossy(nowhere));
        }
    }
}
