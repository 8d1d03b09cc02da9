//! What a person changes about a job: its limits, which rows are done again, what was in doubt, who is told again.

use super::Json;

/// `onward tune`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true))]
pub(crate) struct Tune {
    /// The job's id, or `last` for the newest job
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
    /// Calls per time, at most, such as 10/s or 50/min; none lifts the limit
    #[arg(long, group = "change")]
    pub(crate) rate: Option<String>,
    /// Calls in flight, at most
    #[arg(long, value_name = "CALLS", group = "change")]
    pub(crate) concurrency: Option<u32>,
    /// Failures in a row that hold the job; 0 means never
    #[arg(long, value_name = "FAILURES", group = "change")]
    pub(crate) breaker: Option<u32>,
    /// A name for people
    #[arg(long, group = "change")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) output: Json,
}

/// `onward retry`.
#[derive(Debug, clap::Args)]
pub(crate) struct Retry {
    /// The job's id, or `last` for the newest job
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
    /// Rows with this outcome: added, failed, skipped or filtered; failed unless given
    #[arg(long)]
    pub(crate) outcome: Option<String>,
    /// Only rows with this code
    #[arg(long)]
    pub(crate) code: Option<String>,
    /// Only these rows, such as 7,12,40
    #[arg(long, value_name = "ROWS", value_delimiter = ',')]
    pub(crate) rows: Vec<u64>,
    #[command(flatten)]
    pub(crate) output: Json,
}

/// `onward settle`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("answer").required(true))]
pub(crate) struct Settle {
    /// The job's id, or `last` for the newest job
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
    /// They are done: they become `added` and are not called again
    #[arg(long, group = "answer")]
    pub(crate) done: bool,
    /// They are called again
    #[arg(long, group = "answer")]
    pub(crate) again: bool,
    /// Only these rows, such as 7,12,40; all that wait unless given
    #[arg(long, value_name = "ROWS", value_delimiter = ',')]
    pub(crate) rows: Vec<u64>,
    #[command(flatten)]
    pub(crate) output: Json,
}

/// `onward deliveries`.
#[derive(Debug, clap::Args)]
pub(crate) struct Deliveries {
    /// The job's id, or `last` for the newest job
    #[arg(value_name = "JOB")]
    pub(crate) job: String,
    /// Send this delivery again now, whatever came of it
    #[arg(long, value_name = "DELIVERY")]
    pub(crate) again: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub(crate) limit: u64,
    #[command(flatten)]
    pub(crate) output: Json,
}
