//! What every handler gets: the engine, the settings, and the counts shared by all requests.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use onward_core::clock::UnixMs;
use onward_core::store::Sums;
use onward_engine::{Engine, Snapshot};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::api::view::JobView;
use crate::arriving::Arriving;
use crate::problem::Result;
use crate::recent::Recent;
use crate::sse::Told;
use crate::uploads::Uploads;
use crate::web::Running;
use crate::web::picture::{self, Picture, PictureKey};

/// How the server behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address it listens on; names it in the Host header.
    pub listen: SocketAddr,
    /// More host names it answers to (a reverse proxy's), without a port or with one.
    pub hosts: Vec<String>,
    /// Where others reach it, when that is not where it listens.
    pub public_url: Option<String>,
    /// Where uploads are spooled; the system's temporary folder when `None`.
    pub spool_dir: Option<PathBuf>,
    /// The largest upload in bytes.
    pub max_upload_bytes: u64,
    /// The most clients of the event streams at one time.
    pub max_streams: usize,
    /// The names of the secrets that are set; their values are never here.
    pub secret_names: Vec<String>,
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
            public_url: None,
            spool_dir: None,
            max_upload_bytes: Self::MAX_UPLOAD_BYTES,
            max_streams: Self::MAX_STREAMS,
            secret_names: Vec::new(),
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
    /// Cancelled when the server stops: ends the event streams, which would never end by themselves.
    pub shutdown: CancellationToken,
    /// Places at the event streams.
    pub(crate) streams: Arc<Semaphore>,
    /// What they were told last.
    pub(crate) told: Arc<Told>,
    /// Uploads that go on after a broken connection.
    pub(crate) uploads: Uploads,
    /// The keys of uploads that are arriving.
    pub(crate) arriving: Arriving,
    /// Figures over all jobs, by the moment the day began.
    pub(crate) sums: Recent<UnixMs, Sums>,
    /// How the running jobs get on.
    pub(crate) running: Recent<(), Running>,
    /// The pictures of large jobs.
    pub(crate) pictures: Recent<PictureKey, Picture>,
    /// What `/metrics` counts.
    pub(crate) counts: Arc<Counts>,
}

impl App {
    /// A server over an engine.
    #[must_use]
    pub fn new(engine: Engine, settings: Settings) -> Self {
        let streams = Arc::new(Semaphore::new(settings.max_streams));
        let (shutdown, counts) = (CancellationToken::new(), Arc::new(Counts::default()));
        let uploads = Uploads::new(&settings);
        Self {
            engine,
            settings: Arc::new(settings),
            shutdown,
            streams,
            told: Arc::default(),
            uploads,
            arriving: Arriving::default(),
            sums: Recent::default(),
            running: Recent::default(),
            pictures: Recent::default(),
            counts,
        }
    }

    /// Figures over all jobs, at most two seconds old.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn sums(&self, today_from: UnixMs) -> Result<Sums> {
        let store = Arc::clone(self.engine.store());
        let read = || async move { Ok(store.sums(today_from).await?) };
        self.sums.get(today_from, read).await
    }

    /// How the running jobs get on, at most two seconds old.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn running(&self) -> Result<Running> {
        let engine = self.engine.clone();
        self.running.get((), || async move { Running::read(&engine).await }).await
    }

    /// The pictures of a job; those of a large one at most two seconds old.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn picture(&self, snapshot: &Snapshot) -> Result<Picture> {
        if !picture::is_large(&snapshot.job) {
            return picture::read(&self.engine, snapshot).await;
        }
        let read = || {
            let (engine, snapshot) = (self.engine.clone(), snapshot.clone());
            async move { picture::read(&engine, &snapshot).await }
        };
        self.pictures.get(PictureKey::of(&snapshot.job), read).await
    }

    /// A job as the API shows it.
    #[must_use]
    pub fn view(&self, snapshot: &Snapshot) -> JobView {
        JobView::new(snapshot, &self.engine.store().saved_in(snapshot.job.id))
    }

    /// The same, with what a person should know about the file.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn view_with_warnings(&self, snapshot: &Snapshot) -> Result<JobView> {
        let mut view = self.view(snapshot);
        let input = self.engine.store().input(snapshot.job.input.id).await?;
        if let Some(input) = input {
            view.input.blank_lines = Some(input.blank_lines);
            view.warnings = input.warnings.into_iter().map(Into::into).collect();
        }
        Ok(view)
    }
}

/// Requests since the start, by the first digit of their status.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) by_class: [AtomicU64; 5],
}
