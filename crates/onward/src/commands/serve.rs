//! `onward serve`: the dashboard and the API, and the work.

use crate::args::Serve;
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::host::{self, Host, Opening};
use crate::output;
use crate::signals::Signals;

/// Serves until Ctrl-C.
pub(super) async fn run(config: &Config, verb: &Serve) -> Result<Exit, Failure> {
    only_this_machine(config)?;
    let mut signals = Signals::take()?;
    let host = Host::open(config, Opening::Own).await?;
    host.engine.check_standing().map_err(|problem| {
        let failure = Failure::from(problem);
        Failure { message: format!("the hook of all jobs cannot be used: {}", failure.message), ..failure }
    })?;
    let serving = host.serve(config).await.map_err(|failure| choose_another_port(failure, config))?;
    let _alive = if verb.no_work {
        host.engine.start_duties();
        None
    } else {
        host.start_work().await
    };
    output::say(&format!("Onward is at http://{}", serving.address));
    if let Some(public) = &config.public_url {
        output::say(&format!("  others reach it at {public}"));
    }
    output::say(&format!("  store {}; Ctrl-C stops after the rows in hand", config.store_shown()));
    signals.next().await;
    output::say("stopping after the rows in hand; Ctrl-C again stops at once");
    host::stop_work(&host.engine, &mut signals).await;
    serving.end().await;
    Ok(Exit::Done)
}

/// Without logins, only this machine may reach the server.
pub(super) fn only_this_machine(config: &Config) -> Result<(), Failure> {
    if config.listen.ip().is_loopback() {
        return Ok(());
    }
    let message = format!(
        "{} can be reached by others, and this version has no logins; it serves this machine only",
        config.listen
    );
    Err(Failure::new(Exit::NotAllowed, message)
        .hint(format!("listen on this machine: --listen 127.0.0.1:{}", config.listen.port()))
        .hint("reach it from another one through a tunnel: ssh -L 7313:127.0.0.1:7313 THIS-MACHINE"))
}

/// What helps when the port is taken.
pub(super) fn choose_another_port(failure: Failure, config: &Config) -> Failure {
    if failure.exit != Exit::Conflict {
        return failure;
    }
    let port = config.listen.port();
    let next = if port < u16::MAX { port + 1 } else { 7313 };
    failure
        .hint(format!("choose another: --listen {}:{next}", config.listen.ip()))
        .hint(format!("see who has it: ss -ltnp 'sport = :{port}'"))
}
