//! The command line: every verb and every option, with the words of `--help`.

mod files;
mod steer;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

pub(crate) use files::{Adopt, Attach, Run, Submit};
pub(crate) use steer::{Deliveries, Retry, Settle, Tune};

/// Give Onward a list and a way to do one row. It does every row, never loses its place, and hands
/// back the same list with what happened to each row.
#[derive(Debug, Parser)]
#[command(name = "onward", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "\
Exit codes:
  0 all done · 1 unexpected · 2 usage · 3 done, some rows failed · 4 job failed or stuck
  5 cancelled · 6 conflict · 7 not found or gone · 8 unreachable · 9 not allowed · 130 interrupted")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) places: Places,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Where things are. What is not given comes from the environment, then from `onward.toml`.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Where things are")]
pub(crate) struct Places {
    /// Where the ledger lives: sqlite:PATH, or postgres://USER@HOST/DATABASE for several machines;
    /// sqlite:DATA_DIR/onward.db unless given
    #[arg(long, global = true, value_name = "ADDRESS", env = "ONWARD_STORE", hide_env_values = true)]
    pub(crate) store: Option<String>,
    /// A Redis for live checkpoints, hot copies and messages between machines; redis:// or rediss://
    #[arg(long, global = true, value_name = "URL", env = "ONWARD_REDIS", hide_env_values = true)]
    pub(crate) redis: Option<String>,
    /// What every key in Redis begins with; `onward` unless given
    #[arg(long, global = true, value_name = "PREFIX", env = "ONWARD_REDIS_PREFIX", hide_env_values = true)]
    pub(crate) redis_prefix: Option<String>,
    /// The address a server listens on; 127.0.0.1:7313 unless given
    #[arg(long, global = true, value_name = "ADDRESS", env = "ONWARD_LISTEN", hide_env_values = true)]
    pub(crate) listen: Option<SocketAddr>,
    /// Where others reach the server, such as https://onward.example.org: links in what hooks are told
    /// begin with it, and the server answers to its name
    #[arg(long, global = true, value_name = "URL", env = "ONWARD_PUBLIC_URL", hide_env_values = true)]
    pub(crate) public_url: Option<String>,
    /// An address that is told of every job made here, signed with ONWARD_SECRET_HOOK; [hook] in
    /// onward.toml says more
    #[arg(long, global = true, value_name = "URL", env = "ONWARD_HOOK", hide_env_values = true)]
    pub(crate) hook: Option<String>,
    /// The folder for the store and the server's notes; ~/.local/share/onward unless given
    #[arg(long, global = true, value_name = "FOLDER", env = "ONWARD_DATA_DIR", hide_env_values = true)]
    pub(crate) data_dir: Option<PathBuf>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// A server, a sample API and a sample job of 313 creators, to be tried out
    Demo(Demo),
    /// Serve the dashboard and the API, and do the work
    Serve(Serve),
    /// Help a server with its work, from another process on the same store
    Worker,
    /// List the worker processes of the store, on whatever machine
    Workers(Workers),
    /// Do a file to its end; run again, it goes on where it stopped
    Run(Run),
    /// Take over somebody's half-done work on a file, and do the rest
    Adopt(Adopt),
    /// Hand in a file as a new job
    Submit(Submit),
    /// List jobs, newest first
    List(List),
    /// Show one job
    Show(OneJob),
    /// Follow a job to its end
    Watch(OneJob),
    /// Go on from the exact row at which a job stopped
    Resume(Resume),
    /// Take the work away from a stuck worker and go on from the checkpoint
    Restart(Restart),
    /// Stop a job; it can be resumed
    Cancel(OneJob),
    /// Hold a job until it is resumed
    Pause(OneJob),
    /// Attach an edited file, or corrected rows of an export, to a job that stands still
    Attach(Attach),
    /// Do failed rows once more
    Retry(Retry),
    /// Say of rows in doubt whether they are done or to be called again
    Settle(Settle),
    /// Change a job's name, rate, concurrency or breaker, also while it runs
    Tune(Tune),
    /// Print the rows of a job and what became of each
    Rows(Rows),
    /// Print why rows did not make it, by cause
    Errors(Errors),
    /// Write the input's columns and what became of each row, as CSV or NDJSON
    Export(Export),
    /// Print what the hooks of a job were told, or tell them again
    Deliveries(Deliveries),
    /// Count everything anew and say what differs
    Verify(OneJob),
    /// Delete a job that is not running
    Delete(OneJob),
    /// Move all jobs to another store, half-done ones too
    Move(Move),
    /// Check this machine's set-up and say what to do
    Doctor(Json),
    /// Check a recipe before anything runs
    Recipe(Recipe),
    /// Print completions for a shell
    Completions(Completions),
}

/// Whether data is printed for programs.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Json {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A verb about one job.
#[derive(Debug, clap::Args)]
pub(crate) struct OneJob {
    /// The job's id, or `last` for the newest job
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
    #[command(flatten)]
    pub(crate) output: Json,
}

/// `onward demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// The port of the sample API; 7314 unless given, and the same at every start
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Forget the last demo and start over
    #[arg(long)]
    pub(crate) fresh: bool,
}

/// `onward serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// Serve only; leave the work to `onward worker`
    #[arg(long)]
    pub(crate) no_work: bool,
}

/// `onward workers`.
#[derive(Debug, clap::Args)]
pub(crate) struct Workers {
    /// Let this worker finish its rows in hand and take no more
    #[arg(long, value_name = "WORKER")]
    pub(crate) drain: Option<String>,
    #[command(flatten)]
    pub(crate) output: Json,
}

/// `onward list`.
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Only jobs with this status: queued, running, paused, completed, failed or cancelled
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// Only jobs whose name contains this
    #[arg(long, value_name = "TEXT")]
    pub(crate) q: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) limit: u64,
    #[command(flatten)]
    pub(crate) output: Json,
}

/// `onward resume`.
#[derive(Debug, clap::Args)]
pub(crate) struct Resume {
    /// The job's id, or `last` for the newest job
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
    /// Do so many rows, then hold the job and ask
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) first: Option<u64>,
    #[command(flatten)]
    pub(crate) output: Json,
}

/// `onward restart`.
#[derive(Debug, clap::Args)]
pub(crate) struct Restart {
    /// The job's id, or `last` for the newest job
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
    /// Also when the job makes progress
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) output: Json,
}

/// `onward rows`.
#[derive(Debug, clap::Args)]
pub(crate) struct Rows {
    /// The job's id, or `last` for the newest job
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
    /// Only rows with this outcome: added, failed, skipped or filtered
    #[arg(long)]
    pub(crate) outcome: Option<String>,
    /// Only rows with this code
    #[arg(long)]
    pub(crate) code: Option<String>,
    /// Only rows whose key or message contains this
    #[arg(long, value_name = "TEXT")]
    pub(crate) q: Option<String>,
    /// Rows whose call may have happened before a process died
    #[arg(long, conflicts_with_all = ["outcome", "code", "q"])]
    pub(crate) in_doubt: bool,
    /// At most so many
    #[arg(long, default_value_t = 100)]
    pub(crate) limit: u64,
    /// Print JSON, one row a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// `onward errors`.
#[derive(Debug, clap::Args)]
pub(crate) struct Errors {
    /// The job's id, or `last` for the newest job
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
    /// Of rows with this outcome: failed, skipped or filtered
    #[arg(long)]
    pub(crate) outcome: Option<String>,
    #[command(flatten)]
    pub(crate) output: Json,
}

/// `onward export`.
#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// The job's id, or `last` for the newest job
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
    /// Only rows with this outcome: added, failed, skipped or filtered
    #[arg(long)]
    pub(crate) outcome: Option<String>,
    /// How to write it: csv or ndjson
    #[arg(long, value_enum, default_value_t = Format::Csv, hide_possible_values = true)]
    pub(crate) format: Format,
    /// Write to this file instead of stdout
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Print what was written as JSON; the export itself then goes to a file
    #[arg(long)]
    pub(crate) json: bool,
}

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Comma-separated, with a header
    Csv,
    /// One JSON object a line
    Ndjson,
}

/// `onward move`.
#[derive(Debug, clap::Args)]
pub(crate) struct Move {
    /// The store to leave, such as sqlite:onward.db
    #[arg(long, value_name = "STORE")]
    pub(crate) from: String,
    /// The store to go to
    #[arg(long, value_name = "STORE")]
    pub(crate) to: String,
}

/// `onward recipe`.
#[derive(Debug, clap::Args)]
pub(crate) struct Recipe {
    #[command(subcommand)]
    pub(crate) verb: RecipeVerb,
}

/// What can be done with a recipe.
#[derive(Debug, Subcommand)]
pub(crate) enum RecipeVerb {
    /// Say what is wrong with a recipe, and show how it reads the first rows of a file
    Check(RecipeCheck),
}

/// `onward recipe check`.
#[derive(Debug, clap::Args)]
pub(crate) struct RecipeCheck {
    /// The recipe, in TOML or JSON
    #[arg(value_name = "RECIPE")]
    pub(crate) recipe: PathBuf,
    /// A CSV to read with it
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: Json,
}

/// `onward completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// bash, elvish, fish, powershell or zsh
    #[arg(hide_possible_values = true)]
    pub(crate) shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
