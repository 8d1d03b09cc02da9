//! `test` and `torture`: what has to hold before anything is called done.

use std::process::Command;

use anyhow::Result;

use crate::run::{cargo, is_there, run, say};
use crate::setup::setup;

/// How much is tested.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of it.
    Everything,
    /// What needs a Rust toolchain and nothing else.
    Embedded,
}

/// Formatting, lints, documentation, tests, in this order: the quick ones first.
///
/// # Errors
/// At the first that fails.
pub(crate) fn test(scope: Scope, filter: Option<&str>) -> Result<()> {
    if scope == Scope::Everything {
        setup()?;
    }
    if filter.is_none() {
        run(&mut cargo(&["fmt", "--all", "--check"]))?;
        run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))?;
        let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
        run(docs.env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    run(&mut tests(scope, filter))?;
    if filter.is_none() && is_there("cargo-nextest") {
        // nextest leaves out the examples in the documentation.
        run(&mut cargo(&["test", "--workspace", "--doc", "--quiet"]))?;
    }
    if scope == Scope::Embedded {
        say(
            "left out with --embedded: the page in a real browser (crates/onward/tests/browser.rs), what GNU \
             parallel does beside Onward (crates/onward/tests/cli/parallel.rs), and everything on a real PostgreSQL \
             or Redis (tests with `on_a_server`, `redis::`, `layered::` or `fleet::` in their names)",
        );
    }
    Ok(())
}

/// A crash test with many kills or rounds, on the binary people run.
///
/// # Errors
/// When a guarantee does not hold; the test prints the line that repeats it.
pub(crate) fn torture(test: &str, how_often: &str, times: u32, seed: Option<u64>) -> Result<()> {
    let mut command = cargo(&["test", "--release", "--package", "onward", "--test", "crash", "--"]);
    command.args(["--nocapture", test]).env(how_often, times.to_string());
    if let Some(seed) = seed {
        command.env("ONWARD_SEED", seed.to_string());
    }
    run(&mut command)
}

/// nextest where it is installed, because it shows slow tests and runs binaries side by side.
fn tests(scope: Scope, filter: Option<&str>) -> Command {
    let nextest = is_there("cargo-nextest");
    let runner: &[&str] = if nextest { &["nextest", "run"] } else { &["test"] };
    let mut command = cargo(runner);
    command.args(["--workspace", "--no-fail-fast"]);
    if scope == Scope::Embedded {
        command.env("ONWARD_TEST_EMBEDDED", "1");
        if nextest {
            command
                .args(["-E", "not (binary(browser) | test(on_a_server) | test(/(redis|layered|fleet)::/))"]);
        }
    }
    command.args(filter);
    command
}
