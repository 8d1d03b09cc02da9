//! What the verbs are asked with that take a file.

use std::path::PathBuf;

use super::Json;

/// `onward run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// The CSV
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What to do with each row: a recipe in TOML or JSON
    #[arg(long, short, value_name = "FILE")]
    pub(crate) recipe: Option<PathBuf>,
    /// A name for people; the file's unless given
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// With a command: the column that identifies a row; the first one unless given
    #[arg(long, value_name = "COLUMN")]
    pub(crate) key: Option<String>,
    /// With a command: how many run at a time; 8 unless given
    #[arg(long, short = 'j', value_name = "N")]
    pub(crate) concurrency: Option<u32>,
    /// Do so many rows, then stop and ask
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) first: Option<u64>,
    #[command(flatten)]
    pub(crate) output: Json,
    /// A program to run for each row; {column} is replaced, and the row is JSON on its standard input
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

/// `onward adopt`.
#[derive(Debug, clap::Args)]
pub(crate) struct Adopt {
    /// The log that GNU parallel wrote with --joblog; calls that failed are done again
    #[arg(long, value_name = "FILE")]
    pub(crate) joblog: Option<PathBuf>,
    /// A CSV with the key of each row and a column that says whether it is done
    #[arg(long, value_name = "FILE")]
    pub(crate) results: Option<PathBuf>,
    /// With --results: that column; onward_outcome, status, outcome, result or state unless given
    #[arg(long, value_name = "COLUMN", requires = "results")]
    pub(crate) status: Option<String>,
    /// With --results: what the column says of a row that is done, such as added,ok; the usual words unless given
    #[arg(long, value_name = "WORDS", value_delimiter = ',', requires = "results")]
    pub(crate) done_when: Vec<String>,
    /// So many rows from the first on; only right when they were done in order
    #[arg(long, value_name = "ROWS")]
    pub(crate) done: Option<u64>,
    /// Rows whose creator is in the recipe's list already
    #[arg(long)]
    pub(crate) in_list: bool,
    /// Only say what would be taken as done
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Take it over without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) run: Run,
}

/// `onward submit`.
#[derive(Debug, clap::Args)]
pub(crate) struct Submit {
    /// The CSV
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What to do with each row: a recipe in TOML or JSON
    #[arg(long, short, value_name = "FILE")]
    pub(crate) recipe: PathBuf,
    /// A name for people; the file's unless given
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Do so many rows, then hold the job and ask
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) first: Option<u64>,
    /// Follow the job to its end
    #[arg(long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) output: Json,
}

/// `onward attach`.
#[derive(Debug, clap::Args)]
pub(crate) struct Attach {
    /// The job's id, or `last` for the newest job
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
    /// The file: as a whole, or rows of `onward export` with their column onward_row
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Only say how it differs
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Attach it without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) output: Json,
}
