//! `bench`: figures with the machine beside them. Ratios from one run travel; absolute times do not.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::run::{cargo, root, run, say};

/// Runs every example of the `onward` crate whose name begins with `bench_`, in the release build.
///
/// # Errors
/// When one fails, or none matches.
pub(crate) fn bench(filter: Option<&str>) -> Result<()> {
    say(&machine());
    let all = benchmarks()?;
    let wanted: Vec<_> = all.iter().filter(|name| filter.is_none_or(|part| name.contains(part))).collect();
    if wanted.is_empty() {
        bail!("no benchmark matches; there are: {}", all.join(", "));
    }
    for name in wanted {
        run(&mut cargo(&["run", "--release", "--quiet", "--package", "onward", "--example", name]))?;
    }
    Ok(())
}

fn benchmarks() -> Result<Vec<String>> {
    let dir = root().join("crates/onward/examples");
    let Ok(entries) = fs::read_dir(&dir) else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_stem().context("a file without a name")?.to_string_lossy().into_owned();
        if name.starts_with("bench_") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
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
