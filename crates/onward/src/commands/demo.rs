//! `onward demo`: a server, a sample API and a sample job, in one process.

use onward_core::state::JobState;

use crate::args::Demo;
use crate::client::Client;
use crate::config::Config;
use crate::demo::{self, sample_api};
use crate::exit_code::{Exit, Failure};
use crate::host::{self, Host, Opening};
use crate::output;
use crate::output::bar::progress;
use crate::signals::Signals;

/// Serves until Ctrl-C; run again, it goes on where it was.
pub(super) async fn run(config: &Config, verb: &Demo) -> Result<Exit, Failure> {
    super::serve::only_this_machine(config)?;
    let mut signals = Signals::take()?;
    if let Some(running) = Client::of_server(config).await? {
        let address = running.address().unwrap_or_default();
        return Err(Failure::new(Exit::Conflict, format!("the demo runs already, at {address}")));
    }
    if verb.fresh && config.store_file().is_none() {
        let message = "--fresh forgets the demo's own files; a shared store is nobody's own";
        return Err(Failure::new(Exit::NotAllowed, message)
            .hint("give the demo a schema of its own with ?schema=NAME, or leave --fresh out"));
    }
    if verb.fresh {
        not_held(config).await?;
        demo::forget(&config.data_dir)?;
    }
    let host = Host::open(config, Opening::Own).await?;
    let api = sample_api::start(&config.data_dir, verb.port).await?;
    let client = Client::in_process(&host, config);
    let job = demo::sample_job(&client, &config.data_dir, api.port).await?;
    let serving =
        host.serve(config).await.map_err(|failure| super::serve::choose_another_port(failure, config))?;
    let _alive = host.start_work().await;
    for line in demo::invitation(serving.address, api.port, &config.data_dir, &job) {
        output::say(&line);
    }
    signals.next().await;
    output::say("\nstopping after the rows in hand; Ctrl-C again stops at once");
    host::stop_work(&host.engine, &mut signals).await;
    serving.end().await;
    api.end().await;
    if let Ok(job) = client.job(crate::jobs::id_of(&job)?).await {
        let next = if job.status == JobState::Running { "; run the demo again and it goes on" } else { "" };
        output::say(&format!("stopped at {}{next}", progress(&job)));
    }
    Ok(Exit::Done)
}

/// Whoever holds the demo's store must not lose it under their hands. A store that cannot be opened
/// for another reason may be the very reason to start over.
async fn not_held(config: &Config) -> Result<(), Failure> {
    match Host::open(config, Opening::Own).await {
        Err(failure) if failure.exit == Exit::Conflict => Err(failure),
        Ok(_) | Err(_) => Ok(()),
    }
}
