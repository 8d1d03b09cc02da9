//! How a connection comes to be: within a time, without proxies, and to no address that may not be called.

use std::io;
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use onward_core::problem::{Code, Problem};
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt as _;
use tokio::net::TcpStream;
use tower_service::Service as _;

use crate::outbound::{Failed, Guard, Outbound};

/// A connection that takes longer will not come; in milliseconds.
const MAX_CONNECT_MS: u64 = 10_000;
/// A target that has silently gone is noticed by probes this far apart, in seconds.
const PROBE_S: u64 = 15;

/// What calls go through, packed in TLS or not.
pub(crate) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Connects within a time, and only to where it may: a host that is written as a number never passes through
/// the [`Guard`].
#[derive(Debug)]
pub(crate) struct Connector {
    https: HttpsConnector<HttpConnector<Guard>>,
    outbound: Outbound,
    within: Duration,
}

impl Connector {
    /// # Errors
    /// `internal` when TLS cannot be set up on this machine.
    pub(crate) fn new(outbound: &Outbound, within: Duration) -> Result<Self, Problem> {
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
        let within = within.min(Duration::from_millis(MAX_CONNECT_MS));
        Ok(Self { https, outbound: outbound.clone(), within })
    }

    /// A connection to the host of an address.
    pub(crate) async fn connect(&self, uri: Uri) -> Result<Stream, Failed> {
        self.outbound.check_host(uri.host().unwrap_or_default())?;
        // It is always ready: nothing is kept of one connection for the next.
        let connecting = self.https.clone().call(uri);
        tokio::time::timeout(self.within, connecting).await.unwrap_or_else(|_| {
            Err(io::Error::new(io::ErrorKind::TimedOut, "the connection did not come in time").into())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Broken;
    use crate::transport::Unsent;

    async fn why(outbound: Outbound, within_ms: u64, url: &str) -> Broken {
        let connector = Connector::new(&outbound, Duration::from_millis(within_ms));
        let connector = connector.unwrap_or_else(|problem| panic!("{}", problem.detail));
        let failed = connector.connect(url.parse().unwrap()).await.expect_err("nobody answers there");
        Broken::of(&Unsent::Unconnected(failed))
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
