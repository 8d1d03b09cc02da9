//! Starting the binary that is measured, and reading what it cost.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// How much time a benchmark may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// A minute or two in all.
    Short,
    /// As long as the largest sizes take.
    Long,
}

/// What a run of the binary cost.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    /// From start to end.
    pub(crate) wall_s: f64,
    /// User and system time.
    pub(crate) cpu_s: f64,
    /// The most memory it ever had.
    pub(crate) peak_mb: u64,
}

/// The release binary, which stands beside this example.
pub(crate) fn binary() -> Result<PathBuf> {
    let example = std::env::current_exe()?;
    let dir = example.parent().and_then(Path::parent).context("an odd place for an example")?;
    let binary = dir.join("onward");
    ensure!(binary.exists(), "{} is not built; run `cargo xtask bench`", binary.display());
    Ok(binary)
}

/// The binary with a data folder, and nothing from the environment.
pub(crate) fn onward(data: &Path, args: &[&str]) -> Result<Command> {
    let mut command = Command::new(binary()?);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ONWARD_")) {
        command.env_remove(name);
    }
    command
        .args(args)
        .arg("--data-dir")
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(command)
}

/// Runs it to its end and reads its cost while it lives.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub(crate) fn cost(mut command: Command) -> Result<Cost> {
    // What an earlier run has left to be written is not this one's cost.
    Command::new("sync").status().context("cannot run `sync`")?;
    let begin = Instant::now();
    let mut child = command.spawn().context("cannot start the binary")?;
    let mut cost = Cost::default();
    loop {
        let seen = seen(&child);
        cost.cpu_s = seen.cpu_s.max(cost.cpu_s);
        cost.peak_mb = seen.peak_mb.max(cost.peak_mb);
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "the binary ended with {status}");
            cost.wall_s = begin.elapsed().as_secs_f64();
            return Ok(cost);
        }
        // Looking costs the one that is looked at; a fiftieth of a second is exact enough.
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What a living process has cost so far.
fn seen(child: &Child) -> Cost {
    let path = format!("/proc/{}/status", child.id());
    let status = std::fs::read_to_string(path).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak_kb: u64 = peak.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0);
    Cost { wall_s: 0.0, cpu_s: cpu_s(child.id()), peak_mb: peak_kb / 1024 }
}

/// User and system time of a living process so far, as Linux counts it (100 ticks a second).
pub(crate) fn cpu_s(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// The order of the handles in a list. Where they come in no order, an index is touched all over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// As an export of a database has them.
    InOrder,
    /// As lists that people collect have them.
    Mixed,
}

impl Keys {
    /// The handle of a row.
    pub(crate) fn handle(self, row: u64) -> String {
        match self {
            Self::InOrder => format!("creator_{row:09}"),
            // Times an odd number: every handle once, in no order.
            Self::Mixed => format!("creator_{:016x}", row.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        }
    }
}

/// A list of so many creators, as people keep them.
pub(crate) fn creators(rows: u64, keys: Keys) -> String {
    let mut csv = String::with_capacity(40 * rows as usize);
    csv.push_str("handle,followers,country\n");
    for row in 0..rows {
        let _ = writeln!(csv, "{},{},DE", keys.handle(row), 1_000 + row % 90_000);
    }
    csv
}

/// Says a figure.
#[expect(clippy::print_stdout, reason = "its output is what it is for")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}
