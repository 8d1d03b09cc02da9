//! Automation of this repository: `cargo xtask <verb>`. Needs cargo and nothing else to start.

mod bench;
mod run;
mod setup;
mod test;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Automation of this repository")]
struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Checks and tests everything, installing what the tests need where it may.
    Test {
        /// Leave out what needs more than a Rust toolchain: the browser, PostgreSQL.
        #[arg(long)]
        embedded: bool,
        /// Only tests whose name contains this; the checks before them are left out.
        filter: Option<String>,
    },
    /// Kills the real binary many times (release build).
    Torture {
        /// How many times.
        #[arg(long, default_value_t = 1_000)]
        kills: u32,
        /// Instead, so many rounds of trouble for a fleet on PostgreSQL and Redis.
        #[arg(long, value_name = "ROUNDS", num_args = 0..=1, default_missing_value = "120")]
        fleet: Option<u32>,
        /// The number a failed run printed, to repeat it.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Measures, and prints the machine and the ratios beside the figures.
    Bench {
        /// Only this one: local, postgres, fifty, calls, endpoint, programs, batches, resume, start, dashboard or
        /// dashboard-postgres.
        figure: Option<String>,
        /// With the largest sizes, which take minutes each.
        #[arg(long)]
        long: bool,
    },
    /// Installs what the tests need, or says what is missing.
    Setup,
}

fn main() -> Result<()> {
    match Args::parse().verb {
        Verb::Test { embedded, filter } => {
            let scope = if embedded { test::Scope::Embedded } else { test::Scope::Everything };
            test::test(scope, filter.as_deref())
        }
        Verb::Torture { fleet: Some(rounds), seed, .. } => {
            test::torture("nemesis", "ONWARD_FLEET_ROUNDS", rounds, seed)
        }
        Verb::Torture { kills, seed, .. } => test::torture("killed", "ONWARD_KILLS", kills, seed),
        Verb::Bench { figure, long } => {
            let length = if long { bench::Length::Long } else { bench::Length::Short };
            bench::bench(figure.as_deref(), length)
        }
        Verb::Setup => setup::setup(),
    }
}
