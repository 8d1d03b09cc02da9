//! `onward errors JOB`: why rows did not make it, by cause.

use crate::args::Errors;
use crate::client::{Client, Need};
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::output::table::Table;
use crate::output::text::count;
use crate::{jobs, output};

/// Prints one line per cause, most first.
pub(super) async fn run(config: &Config, verb: &Errors) -> Result<Exit, Failure> {
    let client = Client::open(config, Need::Existing).await?;
    let id = jobs::named(&client, &verb.job).await?;
    let outcome = verb.outcome.as_deref();
    let query: Vec<(&str, &str)> = outcome.map(|outcome| ("outcome", outcome)).into_iter().collect();
    let groups = client.groups(id, &query).await?;
    if verb.output.json {
        output::json::print(&groups);
        return Ok(Exit::Done);
    }
    if groups.is_empty() {
        output::say(&format!("no row {}", outcome.unwrap_or("failed")));
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["ROWS", "FIRST", "LAST", "CODE", "WHY"]);
    for group in groups {
        table.row([
            count(group.count),
            count(group.first_row),
            count(group.last_row),
            group.code,
            group.message,
        ]);
    }
    table.print();
    Ok(Exit::Done)
}
