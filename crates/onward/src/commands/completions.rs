//! `onward completions SHELL`.

use clap::CommandFactory;

use crate::args::{Args, Completions};
use crate::exit_code::Exit;
use crate::output;

/// Prints the completions of a shell.
pub(super) fn run(wanted: &Completions) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(wanted.shell, &mut Args::command(), "onward", &mut script);
    output::bytes(&script);
    Exit::Done
}
