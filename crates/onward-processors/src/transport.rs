//! The connections under every call: kept and used again, without proxies, redirects or repeats, and to no
//! address that may not be called.
//!
//! This is the field's usual client without the layers above it: what they do is done by whoever calls, where
//! rows, bounds and reasons are known, and they took a good part of a quick call's time.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HeaderValue, USER_AGENT};
use http::{Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use onward_core::problem::{Code, Problem};
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt as _;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::outbound::{Failed, Guard, Outbound};

/// A connection that takes longer will not come; in milliseconds.
const MAX_CONNECT_MS: u64 = 10_000;
/// Idle connections are dropped after this, in seconds: less than the usual 60 s of servers and load
/// balancers, so that a call rarely meets a connection that was just closed.
const IDLE_S: u64 = 30;
/// A target that has silently gone is noticed by probes this far apart, in seconds.
const PROBE_S: u64 = 15;
/// How the program names itself to targets.
const NAME: HeaderValue = HeaderValue::from_static(concat!("onward/", env!("CARGO_PKG_VERSION")));
/// The packing that is understood.
pub(crate) const GZIP: &str = "gzip";

/// A call that can be sent again.
pub(crate) type Request = http::Request<Bytes>;

/// An HTTP client that goes nowhere but where it may.
#[derive(Debug)]
pub(crate) struct Transport {
    client: Client<Connector, Full<Bytes>>,
}

impl Transport {
    /// A client with a pool of its own, which keeps up to `idle` connections to each host.
    ///
    /// # Errors
    /// `internal` when TLS cannot be set up on this machine.
    pub(crate) fn new(outbound: &Outbound, connect: Duration, idle: usize) -> Result<Self, Problem> {
        crate::tls::ready();
        let tls = ClientConfig::with_platform_verifier()
            .map_err(|error| Problem::new(Code::Internal, format!("failed to set up TLS: {error}")))?;
        let mut tcp = HttpConnector::new_with_resolver(Guard(outbound.clone()));
        tcp.enforce_http(false);
        // A small request does not wait for the answer to the one before it.
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(PROBE_S)));
        tcp.set_keepalive_interval(Some(Duration::from_secs(PROBE_S)));
        tcp.set_keepalive_retries(Some(3));
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let within = connect.min(Duration::from_millis(MAX_CONNECT_MS));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(IDLE_S))
            .pool_max_idle_per_host(idle)
            .build(Connector { https, outbound: outbound.clone(), within });
        Ok(Self { client })
    }

    /// Sends it once, and gives the answer's beginning. [`crate::client::Broken`] knows what an error means.
    pub(crate) async fn send(
        &self,
        mut request: Request,
    ) -> Result<Response<Incoming>, hyper_util::client::legacy::Error> {
        let headers = request.headers_mut();
        headers.entry(USER_AGENT).or_insert(NAME);
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static(GZIP));
        self.client.request(request.map(Full::new)).await
    }
}

/// Connects within a time, and only to where it may: a host that is written as a number never passes through
/// the [`Guard`].
#[derive(Debug, Clone)]
struct Connector {
    https: HttpsConnector<HttpConnector<Guard>>,
    outbound: Outbound,
    within: Duration,
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Failed>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        self.https.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let may = self.outbound.check_host(uri.host().unwrap_or_default());
        let connecting = may.map(|()| self.https.call(uri));
        let within = self.within;
        Box::pin(async move {
            tokio::time::timeout(within, connecting?).await.unwrap_or_else(|_| {
                Err(io::Error::new(io::ErrorKind::TimedOut, "the connection did not come in time").into())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Broken;

    async fn why(outbound: Outbound, connect_ms: u64, url: &str) -> Broken {
        let transport = Transport::new(&outbound, Duration::from_millis(connect_ms), 1);
        let request = http::Request::get(url).body(Bytes::new()).unwrap();
        let sent = transport.unwrap_or_else(|problem| panic!("{}", problem.detail)).send(request).await;
        Broken::of(&sent.expect_err("nobody answers there"))
    }

    #[tokio::test]
    async fn an_address_inside_is_refused_before_a_connection() {
        for url in ["http://127.0.0.1:9/", "https://10.0.0.1/", "http://[::1]:9/", "http://metadata.goog/"] {
            let public = Outbound::PublicOnly { allow: vec![] };
            assert!(matches!(why(public, 1_000, url).await, Broken::Blocked(_)), "{url}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_does_not_come_in_time_is_late_and_one_that_is_refused_is_not() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/", silent.local_addr().unwrap());
        let late = why(Outbound::Inside, 50, &url).await;
        assert!(matches!(late, Broken::Passing { code: "timeout", .. }));
        drop(silent);
        let refused = why(Outbound::Inside, 10_000, &url).await;
        assert!(matches!(refused, Broken::Passing { code: "unreachable", .. }));
    }
}
