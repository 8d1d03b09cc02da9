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
use tracing_subscriber::EnvFilter;

use crate::args::Args;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|word| word == store::GUARD) {
        onward_processors::command::guard::stand(std::io::stdin().lock());
        return exit_code::Exit::Done.into();
    }
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    start_logs();
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::say(&format!("error: failed to start: {error}"));
            return exit_code::Exit::Unexpected.into();
        }
    };
    let exit = match runtime.block_on(commands::run(args)) {
        Ok(exit) => exit,
        Err(failure) => {
            output::say(&failure.to_string());
            failure.exit
        }
    };
    // Blocking tasks (a disk that hangs) must not keep a process alive that has said its last word.
    runtime.shutdown_background();
    exit.into()
}

/// A thread for each core but one, which is left to the thread that writes the ledger: every row waits for it, so it
/// must not wait for a core itself.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.saturating_sub(1).max(1))
        .enable_all()
        .build()
}

/// Help and version are data and a success; everything else is a mistake in the command line.
fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render();
    if error.use_stderr() {
        output::say(text.to_string().trim_end());
        return exit_code::Exit::Usage.into();
    }
    output::data(text.to_string().trim_end());
    exit_code::Exit::Done.into()
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
