//! What the program writes: data to stdout, talk to stderr.

pub(crate) mod bar;
pub(crate) mod json;
pub(crate) mod table;
pub(crate) mod text;

use std::io::{IsTerminal, Write};

/// Writes a line of data to stdout. A reader that has gone away (`| head`) is no error.
pub(crate) fn data(line: &str) {
    bytes(format!("{line}\n").as_bytes());
}

/// Writes bytes of data to stdout; `false` when nobody reads them any more.
pub(crate) fn bytes(data: &[u8]) -> bool {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(data).and_then(|()| stdout.flush()).is_ok()
}

/// Says a line to the person, on stderr.
pub(crate) fn say(line: &str) {
    // With stderr closed there is nobody left to tell.
    let _closed = writeln!(std::io::stderr().lock(), "{line}");
}

/// Whether the person sees stderr on a terminal.
pub(crate) fn talks_to_a_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether talk may be coloured: a terminal, and no `NO_COLOR`.
pub(crate) fn colours_on_stderr() -> bool {
    talks_to_a_terminal() && colours_wanted()
}

fn colours_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
