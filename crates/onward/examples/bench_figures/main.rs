//! The figures of `cargo xtask bench`: the real binary beside the barest program that does the same,
//! in one run. Ratios travel from machine to machine; absolute figures do not.
//!
//! `cargo xtask bench [local|postgres|fifty|calls|endpoint|programs|batches|resume|start|dashboard|dashboard-postgres] [--long]`

mod batches;
mod calls;
mod dashboard;
mod endpoint;
mod fifty;
mod local;
mod measure;
mod pace;
mod postgres;
mod programs;
mod resume;
mod start;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let mut which = Vec::new();
    let mut length = measure::Length::Short;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--long" => length = measure::Length::Long,
            other => which.push(other.to_owned()),
        }
    }
    type Bench = fn(measure::Length) -> Result<()>;
    let all: [(&str, Bench); 11] = [
        ("local", local::bench),
        ("postgres", postgres::bench),
        ("fifty", fifty::bench),
        ("calls", calls::bench),
        ("endpoint", endpoint::bench),
        ("programs", programs::bench),
        ("batches", batches::bench),
        ("resume", resume::bench),
        ("start", start::bench),
        ("dashboard", dashboard::bench),
        ("dashboard-postgres", dashboard::bench_on_postgres),
    ];
    if let Some(unknown) = which.iter().find(|name| !all.iter().any(|(known, _)| known == name)) {
        bail!(
            "no benchmark is called {unknown}; there are local, postgres, fifty, calls, endpoint, programs, batches, resume, start, dashboard and dashboard-postgres"
        );
    }
    for (name, bench) in all {
        if which.is_empty() || which.iter().any(|wanted| wanted == name) {
            bench(length)?;
        }
    }
    Ok(())
}
