//! `onward worker`: helps a server with its work, from another process on the same store.

use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::host::{self, Host, Opening};
use crate::output;
use crate::signals::Signals;

/// Works until Ctrl-C.
pub(super) async fn run(config: &Config) -> Result<Exit, Failure> {
    let mut signals = Signals::take()?;
    let host = Host::open(config, Opening::Beside).await?;
    host.engine.start_work();
    output::say(&format!("working on {}; Ctrl-C stops after the rows in hand", config.store));
    signals.next().await;
    host::stop_work(&host.engine, &mut signals).await;
    Ok(Exit::Done)
}
