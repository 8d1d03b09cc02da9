//! The verbs, a file each.

mod act;
mod adopt;
mod asked;
mod attach;
mod completions;
mod delete;
mod deliveries;
mod demo;
mod doctor;
mod errors;
mod export;
mod hands;
mod list;
mod moving;
mod recipe;
mod rows;
mod run;
mod serve;
mod show;
mod submit;
mod tune;
mod verify;
mod watch;
mod worker;
mod workers;

use tokio::runtime::Runtime;

use crate::args::{Args, Verb};
use crate::config::{self, Config, Home, Surroundings};
use crate::exit_code::{Exit, Failure};

/// Does what the verb says, on a runtime that is made for where the ledger is.
pub(crate) fn run(
    args: Args,
    runtime: impl FnOnce(&Config) -> Result<Runtime, Failure>,
) -> Result<Exit, Failure> {
    if let Verb::Completions(wanted) = &args.verb {
        return Ok(completions::run(wanted));
    }
    let home = if matches!(args.verb, Verb::Demo(_)) { Home::Demo } else { Home::Person };
    let config = config::load(&args.places, home, &Surroundings::of_process()?)?;
    let runtime = runtime(&config)?;
    let done = runtime.block_on(carry_out(args.verb, &config));
    // Blocking tasks (a disk that hangs) must not keep a process alive that has said its last word.
    runtime.shutdown_background();
    done
}

async fn carry_out(verb: Verb, config: &Config) -> Result<Exit, Failure> {
    match verb {
        Verb::Demo(verb) => demo::run(config, &verb).await,
        Verb::Serve(verb) => serve::run(config, &verb).await,
        Verb::Worker => worker::run(config).await,
        Verb::Workers(verb) => workers::run(config, &verb).await,
        Verb::Run(verb) => run::run(config, &verb).await,
        Verb::Adopt(verb) => adopt::run(config, &verb).await,
        Verb::Submit(verb) => submit::run(config, &verb).await,
        Verb::List(verb) => list::run(config, &verb).await,
        Verb::Show(verb) => show::run(config, &verb).await,
        Verb::Watch(verb) => watch::run(config, &verb).await,
        Verb::Resume(verb) => act::resume(config, &verb).await,
        Verb::Restart(verb) => act::restart(config, &verb).await,
        Verb::Cancel(verb) => act::cancel(config, &verb).await,
        Verb::Pause(verb) => act::pause(config, &verb).await,
        Verb::Attach(verb) => attach::run(config, &verb).await,
        Verb::Retry(verb) => act::retry(config, &verb).await,
        Verb::Settle(verb) => act::settle(config, &verb).await,
        Verb::Tune(verb) => tune::run(config, &verb).await,
        Verb::Rows(verb) => rows::run(config, &verb).await,
        Verb::Errors(verb) => errors::run(config, &verb).await,
        Verb::Export(verb) => export::run(config, &verb).await,
        Verb::Deliveries(verb) => deliveries::run(config, &verb).await,
        Verb::Verify(verb) => verify::run(config, &verb).await,
        Verb::Delete(verb) => delete::run(config, &verb).await,
        Verb::Move(verb) => moving::run(config, &verb).await,
        Verb::Doctor(output) => doctor::run(config, output).await,
        Verb::Recipe(verb) => recipe::run(config, &verb).await,
        Verb::Completions(wanted) => Ok(completions::run(&wanted)),
    }
}
