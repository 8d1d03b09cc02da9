//! `onward deliveries JOB`: what the hooks of a job were told, and telling them again.

use crate::args::Deliveries;
use crate::client::{Client, Need};
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::output::table::Table;
use crate::output::text::{count, plain};
use crate::{jobs, output};

/// The API gives no larger page.
const PAGE: u64 = 1_000;

/// Prints deliveries, newest first, or sends one of them again.
pub(super) async fn run(config: &Config, verb: &Deliveries) -> Result<Exit, Failure> {
    let client = Client::open(config, Need::Existing).await?;
    let id = jobs::named(&client, &verb.job).await?;
    if let Some(delivery) = &verb.again {
        let sent = client.send_again(id, delivery).await?;
        if verb.output.json {
            output::json::print(&sent);
        } else {
            output::say(&format!(
                "{}: {} to {}",
                plain(&sent.message),
                sent.delivery.event,
                plain(&sent.delivery.url)
            ));
            super::hands::say(&client, "start `onward serve`, which sends it").await;
        }
        return Ok(Exit::Done);
    }
    let limit = verb.limit.min(PAGE).to_string();
    let page = client.deliveries(id, &[("limit", limit.as_str())]).await?;
    if verb.output.json {
        output::json::print(&page.deliveries);
        return Ok(Exit::Done);
    }
    if page.deliveries.is_empty() {
        output::say("nobody was told anything: the recipe has no [[hooks]], or nothing has happened yet");
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["EVENT", "STATE", "CALLS", "LAST ANSWER", "NEXT TRY", "TO", "DELIVERY"]);
    for one in page.deliveries {
        let state = if one.sending { "sending".to_owned() } else { one.state };
        let (last, next) = (one.last_message.unwrap_or_default(), one.next_try_at.unwrap_or_default());
        table.row([one.event, state, count(one.tries.into()), last, next, one.url, one.delivery_id]);
    }
    table.print();
    if page.next_cursor.is_some() {
        output::say(&format!("the newest {limit}; see more with --limit"));
    }
    Ok(Exit::Done)
}
