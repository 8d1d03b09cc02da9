//! `onward workers`: who works on the store, on whatever machine; and letting one stop.

use crate::args::Workers;
use crate::client::{Client, Need};
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::output;
use crate::output::table::Table;
use crate::output::text::plain;

/// Prints the workers as a table, or as the API's `{workers}`; with `--drain`, asks one to stop first.
pub(super) async fn run(config: &Config, verb: &Workers) -> Result<Exit, Failure> {
    let client = Client::open(config, Need::Existing).await?;
    if let Some(worker) = &verb.drain {
        client.drain(worker).await?;
        output::say(&format!("{} stops after its rows in hand", plain(worker)));
    }
    let found = client.workers().await?;
    if verb.output.json {
        output::json::print(&found);
        return Ok(Exit::Done);
    }
    if found.workers.is_empty() {
        output::say("no workers; start one with `onward worker`");
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["WORKER", "STATUS", "SPANS", "MACHINE", "PID", "SEEN"]);
    for worker in found.workers {
        table.row([
            worker.worker_id,
            worker.status,
            worker.spans.len().to_string(),
            worker.host.unwrap_or_default(),
            worker.pid.map(|pid| pid.to_string()).unwrap_or_default(),
            worker.seen_at.map(|at| at.get(..19).unwrap_or(&at).replace('T', " ")).unwrap_or_default(),
        ]);
    }
    table.print();
    Ok(Exit::Done)
}
