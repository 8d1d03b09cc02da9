//! The `onward` binary: reads the command line, does what the verb says, exits with its code.

mod args;
mod client;
mod clock;
mod commands;
mod config;
mod demo;
mod digest;
mod exit_code;
mod host;
mod jobs;
mod lifeline;
mod output;
mod signals;
mod store;

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

use crate::args::Args;
use crate::config::Config;
use crate::exit_code::{Exit, Failure};

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|word| word == store::GUARD) {
        onward_processors::command::guard::stand(std::io::stdin().lock());
        return Exit::Done.into();
    }
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    start_logs();
    match commands::run(args, runtime) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::say(&failure.to_string());
            failure.exit.into()
        }
    }
}

/// A thread of the runtime looks every so many turns at what other threads have woken. That is mostly what the writer of
/// the ledger has answered, which must not wait behind every call that is ready.
const TURNS_PER_LOOK: u32 = 2;

/// A thread for each core. Of those, one is left to the thread that writes the ledger where that is a file of this
/// process: every row waits for it, so it must not wait for a core itself.
fn runtime(config: &Config) -> Result<Runtime, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let for_the_ledger = usize::from(config.store_file().is_some());
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.saturating_sub(for_the_ledger).max(1))
        .enable_all()
        .global_queue_interval(TURNS_PER_LOOK)
        .build()
        .map_err(|error| Failure::new(Exit::Unexpected, format!("failed to start: {error}")))
}

/// Help and version are data and a success; everything else is a mistake in the command line.
fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render();
    if error.use_stderr() {
        output::say(text.to_string().trim_end());
        return Exit::Usage.into();
    }
    output::data(text.to_string().trim_end());
    Exit::Done.into()
}

/// Logs go to stderr: warnings and worse, or what `ONWARD_LOG` says (`info`, `onward_engine=debug`).
fn start_logs() {
    let filter = EnvFilter::try_from_env("ONWARD_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(output::colours_on_stderr())
        .init();
}
