//! A store, an engine over it and the server's router, opened in this process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use onward_core::store::Store;
use onward_engine::{Engine, Settings};
use onward_server::App;
use onward_store::open::is_shared;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::note::Note;
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::lifeline::{self, Lifeline};
use crate::store::Author;
use crate::{clock, output, store};

/// Jobs driven at the same time by one process: enough to keep slow targets busy side by side, few
/// enough that each still gets its share of the machine.
const MAX_JOBS: usize = 16;
/// How long open requests may take to end at shutdown. Event streams never end by themselves, so
/// waiting longer would only delay the exit.
const FAREWELL: Duration = Duration::from_secs(2);

/// Open files asked of the system: every page that may be open, with room. Programs that do rows get the
/// same limit, and some look at every file that could be open.
const MOST_OPEN_FILES: u64 = 16_384;

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// As the one that owns it; refused while somebody else does.
    Own,
    /// Beside an owner, if there is one.
    Beside,
}

/// A store, an engine and a router. Does no work before its engine is told to.
#[derive(Clone)]
pub(crate) struct Host {
    /// The engine.
    pub(crate) engine: Engine,
    settings: onward_server::Settings,
    data_dir: std::path::PathBuf,
}

impl Host {
    /// Opens the store. An owner takes up at once what a dead process of before held (G19).
    /// Recipes are taken as those of a server.
    pub(crate) async fn open(config: &Config, opening: Opening) -> Result<Self, Failure> {
        Self::open_for(config, opening, Author::Server).await
    }

    /// The same for recipes of this author.
    pub(crate) async fn open_for(config: &Config, opening: Opening, author: Author) -> Result<Self, Failure> {
        make_private(&config.data_dir)?;
        let (store, redis) = store::open(config, opening).await?;
        match opening {
            // Others may work on a shared store at this moment: only what has lapsed is given back, by
            // the rescue duty.
            Opening::Own if !is_shared(&config.store) => release(&store).await?,
            Opening::Own | Opening::Beside => {}
        }
        let settings = Settings { max_jobs: MAX_JOBS, worker_name: worker_name() };
        let engine = Engine::new(store, store::builder(config, author), settings);
        engine.tell_with(store::courier(config, author)?);
        if let Some(hook) = &config.hook {
            engine.tell_of_all(hook.clone());
        }
        if let Some(redis) = redis {
            let woken = engine.clone();
            // Ends with the process: whoever listens has an engine for as long.
            tokio::spawn(async move { redis.listen(move |job| woken.woken(job)).await });
        }
        Ok(Self { engine, settings: settings_of(config), data_dir: config.data_dir.clone() })
    }

    /// Starts the work, once nobody waits any more for what dead processes of this data folder held. To
    /// be kept for as long as the process works.
    pub(crate) async fn start_work(&self) -> Option<Lifeline> {
        let lifeline = lifeline::hold(&self.engine, &self.data_dir).await;
        self.engine.start_work();
        lifeline
    }

    /// The server's router over this engine.
    pub(crate) fn router(&self) -> Router {
        self.router_at(self.settings.listen)
    }

    fn router_at(&self, address: SocketAddr) -> Router {
        let settings = onward_server::Settings { listen: address, ..self.settings.clone() };
        onward_server::router(App::new(self.engine.clone(), settings))
    }

    /// Serves the router on the configured address, and leaves the note by which the verbs find it.
    pub(crate) async fn serve(&self, config: &Config) -> Result<Serving, Failure> {
        raise_open_files();
        let listener = bind(config.listen).await?;
        let address = listener.local_addr().map_err(|error| {
            Failure::new(Exit::Unexpected, format!("failed to learn the server's own address: {error}"))
        })?;
        let (stop, stopped) = oneshot::channel::<()>();
        let router = self.router_at(address);
        let task = tokio::spawn(async move {
            let farewell = async { drop(stopped.await) };
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(farewell).await {
                tracing::error!(%error, "the server ended");
            }
        });
        let note = Note::of_process(address, config);
        note.leave(config)?;
        Ok(Serving { address, note, config: config.clone(), stop, task })
    }
}

/// A server that runs.
pub(crate) struct Serving {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    note: Note,
    config: Config,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Serving {
    /// Takes the note away and ends: requests under way get a moment, event streams are cut.
    pub(crate) async fn end(mut self) {
        self.note.take_away(&self.config);
        // The receiver is gone when the server has ended already.
        let _ended = self.stop.send(());
        if tokio::time::timeout(FAREWELL, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

/// Takes as many open files as the system allows: the usual limit of 1,024 is fewer than the pages that
/// may be open, each of which holds a connection.
fn raise_open_files() {
    let limits = getrlimit(Resource::Nofile);
    let most = limits.maximum.unwrap_or(MOST_OPEN_FILES).min(MOST_OPEN_FILES);
    let wanted = limits.current.map(|current| current.max(most));
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: wanted, ..limits }) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

/// Takes an address, or says who else may have it and how to choose another.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        if error.kind() == std::io::ErrorKind::AddrInUse {
            let message = format!("port {} on {} is taken by another program", address.port(), address.ip());
            return Failure::new(Exit::Conflict, message);
        }
        Failure::new(Exit::of_io(&error), format!("failed to listen on {address}: {error}"))
    })
}

/// Ends the engine's work after the rows in hand; a second signal ends the process at once.
pub(crate) async fn stop_work(engine: &Engine, signals: &mut crate::signals::Signals) -> Stopped {
    tokio::select! {
        () = engine.stop_work() => Stopped::Cleanly,
        () = signals.next() => {
            output::say("stopped at once; calls under way are made again with the same idempotency key");
            Stopped::AtOnce
        }
    }
}

/// How the work came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// The rows in hand were finished and saved.
    Cleanly,
    /// The person did not want to wait for them.
    AtOnce,
}

/// Gives back what a dead process of before held, so that nobody waits for its leases to lapse (G19).
/// A worker that lives beside the owner and held something too is fenced, and claims anew.
async fn release(store: &Arc<dyn Store>) -> Result<(), Failure> {
    let released = store.release_all(clock::now()).await.map_err(|error| {
        Failure::new(Exit::Unreachable, format!("failed to give back what an earlier process held: {error}"))
    })?;
    for rescued in released {
        tracing::info!(job.id = %rescued.job, span = %rescued.span, worker = %rescued.worker, "given back");
    }
    Ok(())
}

/// How the server of this configuration behaves.
fn settings_of(config: &Config) -> onward_server::Settings {
    let mut settings = onward_server::Settings::new(config.listen);
    settings.hosts.clone_from(&config.hosts);
    settings.public_url.clone_from(&config.public_url);
    settings.max_streams = config.max_streams.unwrap_or(settings.max_streams);
    // Beside the store, so that an upload needs room on one disk only and never fills /tmp.
    settings.spool_dir = Some(config.data_dir.clone());
    settings.secret_names = store::secret_names();
    settings
}

/// Makes the data folder, for this person only: rows are personal data.
fn make_private(folder: &std::path::Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| {
        Failure::new(
            Exit::of_io(&error),
            format!("failed to make the data folder {}: {error}", folder.display()),
        )
        .hint("choose another with --data-dir FOLDER")
    })
}

/// Names this process to people; the engine adds a random part.
fn worker_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    format!("{}-{}", if host.is_empty() { "worker" } else { host }, std::process::id())
}
