//! A server of a test's own, on a thread and a runtime of its own, so that a busy test never delays an answer.

use std::future::IntoFuture as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use axum::Router;
use axum::serve::Listener;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::certificates::Certificates;

/// A running server. Ends when dropped.
#[derive(Debug)]
pub struct Serving {
    scheme: &'static str,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    /// Serves on a free loopback port.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(name: &str, router: Router) -> Result<Self> {
        Self::start_at(IpAddr::V4(Ipv4Addr::LOCALHOST), name, router)
    }

    /// Serves on a free port at an address of this machine.
    ///
    /// # Errors
    /// When no port can be had there.
    pub fn start_at(address: IpAddr, name: &str, router: Router) -> Result<Self> {
        Self::listen(address, name, "http", |listener| axum::serve(listener, router).into_future())
    }

    /// Serves https on a free loopback port, with this certificate.
    ///
    /// # Errors
    /// When no port can be had; when the certificate cannot be read.
    pub fn start_secured(name: &str, router: Router, certificates: &Certificates) -> Result<Self> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificates.server())?.collect();
        let key = PrivateKeyDer::from_pem_file(certificates.key())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let config = config.with_no_client_auth().with_single_cert(chain?, key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::listen(IpAddr::V4(Ipv4Addr::LOCALHOST), name, "https", |tcp| {
            axum::serve(Secured { tcp, acceptor }, router).into_future()
        })
    }

    fn listen<F>(
        address: IpAddr,
        name: &str,
        scheme: &'static str,
        serve: impl FnOnce(TcpListener) -> F + Send + 'static,
    ) -> Result<Self>
    where
        F: Future<Output = io::Result<()>>,
    {
        let listener = std::net::TcpListener::bind((address, 0)).context("no port is free")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).expect("the listener is non-blocking");
                tokio::select! { _ = serve(listener) => {}, _ = stopped => {} }
            });
        })?;
        Ok(Self { scheme, address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }
}

/// Takes connections that prove who they are called by.
struct Secured {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Secured {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, from) = Listener::accept(&mut self.tcp).await;
            // Whoever does not trust the certificate hangs up, and the next one is waited for.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed; a second one here would hide the test's own failure.
            drop(thread.join());
        }
    }
}
