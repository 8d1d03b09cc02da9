//! A server of a test's own, on a thread and a runtime of its own, so that a busy test never delays an answer.

use std::future::IntoFuture as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use axum::Router;
use tokio::sync::oneshot;

/// A running server. Ends when dropped.
#[derive(Debug)]
pub struct Serving {
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
        let listener = std::net::TcpListener::bind((address, 0)).context("no port is free")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
            runtime.block_on(async move {
                let listener =
                    tokio::net::TcpListener::from_std(listener).expect("the listener is non-blocking");
                let served = axum::serve(listener, router).into_future();
                tokio::select! { _ = served => {}, _ = stopped => {} }
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
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
