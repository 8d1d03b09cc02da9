//! `onward verify JOB`: counts everything anew and says what differs.

use crate::args::OneJob;
use crate::client::{Client, Need};
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::output::text::{count, plain};
use crate::{jobs, output};

/// Ends with 0 when all agrees and with 1 when something differs.
pub(super) async fn run(config: &Config, verb: &OneJob) -> Result<Exit, Failure> {
    let client = Client::open(config, Need::Existing).await?;
    let id = jobs::named(&client, &verb.job).await?;
    let found = client.verify(id).await?;
    if verb.output.json {
        output::json::print(&found);
    } else {
        let ledger = &found.ledger;
        let records = ledger.added + ledger.failed + ledger.skipped + ledger.filtered;
        output::data(&format!(
            "{}: {} of {} rows have one record each: {} added, {} failed, {} skipped, {} filtered",
            if found.ok { "all agrees" } else { "NOT ALL AGREES" },
            count(records),
            count(found.rows),
            count(ledger.added),
            count(ledger.failed),
            count(ledger.skipped),
            count(ledger.filtered)
        ));
        for problem in &found.problems {
            output::data(&format!("  {}", plain(problem)));
        }
    }
    Ok(if found.ok { Exit::Done } else { Exit::Unexpected })
}
