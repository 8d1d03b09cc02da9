//! What every handler gets: the engine, the settings, and the counts shared by all requests.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use onward_engine::{Engine, Snapshot};

use crate::api::view::JobView;

/// How the server behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address it listens on; names it in the Host header.
    pub listen: SocketAddr,
    /// More host names it answers to (a reverse proxy's), without a port or with one.
    pub hosts: Vec<String>,
    /// Where uploads are spooled; the system's temporary folder when `None`.
    pub spool_dir: Option<PathBuf>,
    /// The largest upload in bytes.
    pub max_upload_bytes: u64,
    /// The most clients of the event streams at one time.
    pub max_streams: usize,
}

impl Settings {
    /// Largest upload unless set otherwise: 10 million rows of 100 bytes.
    pub const MAX_UPLOAD_BYTES: u64 = 1 << 30;
    /// Most event-stream clients unless set otherwise: twice the 1,000 tabs the dashboard is made for.
    pub const MAX_STREAMS: usize = 2_000;

    /// The usual settings for a server on this address.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            hosts: Vec::new(),
            spool_dir: None,
            max_upload_bytes: Self::MAX_UPLOAD_BYTES,
            max_streams: Self::MAX_STREAMS,
        }
    }
}

/// The server's state. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The engine that does the work.
    pub engine: Engine,
    /// How the server behaves.
    pub settings: Arc<Settings>,
}

impl App {
    /// A server over an engine.
    #[must_use]
    pub fn new(engine: Engine, settings: Settings) -> Self {
        Self { engine, settings: Arc::new(settings) }
    }

    /// A job as the API shows it.
    #[must_use]
    pub fn view(&self, snapshot: &Snapshot) -> JobView {
        JobView::new(snapshot, self.engine.store().kind())
    }
}
