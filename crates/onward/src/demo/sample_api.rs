//! The sample API of the demo, on a port that stays the same across restarts.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use onward_server::sample::{self, Manners};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::exit_code::{Exit, Failure};
use crate::host;

/// The port of the sample API, unless the person chose another; the sample recipe names it.
pub(crate) const DEFAULT_PORT: u16 = 7314;

/// A sample API that runs.
pub(crate) struct SampleApi {
    /// Its port.
    pub(crate) port: u16,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl SampleApi {
    /// Ends it; calls under way are cut, as nobody waits for them any more.
    pub(crate) async fn end(self) {
        // The receiver is gone when the sample API has ended already.
        let _ended = self.stop.send(());
        self.task.abort();
    }
}

/// What the demo remembers: the sample job calls this port for all its life.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    port: u16,
}

/// Starts the sample API on the remembered port, or on the asked one the first time.
pub(crate) async fn start(data_dir: &Path, asked: Option<u16>) -> Result<SampleApi, Failure> {
    let remembered = remembered(data_dir);
    let port = match (remembered, asked) {
        (Some(before), Some(now)) if now != before => {
            let message =
                format!("the sample job of this demo calls port {before}, so its port cannot be {now}");
            return Err(
                Failure::new(Exit::Conflict, message).hint("leave --port out, or start over with --fresh")
            );
        }
        (Some(before), _) => before,
        (None, asked) => asked.unwrap_or(DEFAULT_PORT),
    };
    let listener = host::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.map_err(|failure| {
        if failure.exit != Exit::Conflict {
            return failure;
        }
        let fresh = if remembered.is_some() { " --fresh" } else { "" };
        let mut failure = failure
            .hint(format!("choose another for the sample API: onward demo{fresh} --port {}", port ^ 1));
        failure.message.push_str("; the sample API needs it");
        failure
    })?;
    let port = listener.local_addr().map_or(port, |address| address.port());
    remember(data_dir, port)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        if let Err(error) = sample::serve(listener, Manners::default(), async { drop(stopped.await) }).await {
            tracing::error!(%error, "the sample API ended");
        }
    });
    Ok(SampleApi { port, stop, task })
}

fn remembered(data_dir: &Path) -> Option<u16> {
    let text = std::fs::read_to_string(path(data_dir)).ok()?;
    serde_json::from_str::<Remembered>(&text).ok().map(|remembered| remembered.port)
}

fn remember(data_dir: &Path, port: u16) -> Result<(), Failure> {
    let path = path(data_dir);
    let text = serde_json::to_string(&Remembered { port }).expect("a number always serialises");
    std::fs::write(&path, text).map_err(|error| {
        Failure::new(Exit::Unexpected, format!("failed to write {}: {error}", path.display()))
    })
}

/// Where the demo remembers its port.
pub(super) fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("demo.json")
}
