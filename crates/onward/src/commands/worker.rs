//! `onward worker`: helps with the work of a store, from another process or another machine.

use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::host::{self, Host, Opening};
use crate::output;
use crate::signals::Signals;

/// Works until Ctrl-C, or until it is drained.
pub(super) async fn run(config: &Config) -> Result<Exit, Failure> {
    let mut signals = Signals::take()?;
    let host = Host::open(config, Opening::Beside).await?;
    let _alive = host.start_work().await;
    output::say(&format!(
        "worker {} works on {}; Ctrl-C stops after the rows in hand",
        host.engine.worker(),
        config.store_shown()
    ));
    tokio::select! {
        () = signals.next() => {
            host::stop_work(&host.engine, &mut signals).await;
        }
        () = host.engine.drained() => output::say("drained: everything was handed back"),
    }
    Ok(Exit::Done)
}
