//! `bench`: figures with the machine beside them. Ratios from one run travel; absolute times do not.

use std::fs;

use anyhow::Result;

use crate::run::{cargo, run, say};

/// Builds the release binary and runs the figures, all or one of them.
///
/// # Errors
/// When one fails, or none has that name.
pub(crate) fn bench(figure: Option<&str>, length: Length) -> Result<()> {
    say(&machine());
    run(&mut cargo(&["build", "--release", "--quiet", "--package", "onward"]))?;
    let mut figures =
        cargo(&["run", "--release", "--quiet", "--package", "onward", "--example", "bench_figures", "--"]);
    figures.args(figure);
    match length {
        Length::Short => {}
        Length::Long => {
            figures.arg("--long");
        }
    }
    run(&mut figures)
}

/// How long the figures may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// A few minutes.
    Short,
    /// With the largest sizes.
    Long,
}

fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown processor");
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory_kb: u64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    format!("machine: {cpus} x {model}, {} GB, {}", memory_kb / 1_000_000, std::env::consts::OS)
}
