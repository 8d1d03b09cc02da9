//! Who will do what a verb has asked for, when no server answered: said to the person, as far as it is known.

use crate::client::Client;
use crate::output;
use crate::output::text::{count, plain};

/// Says who works on the store that this verb opened by itself; `otherwise` is what to do when nobody does. A server
/// does the work, so nothing is said then.
pub(super) async fn say(client: &Client, otherwise: &str) {
    if client.is_remote() {
        return;
    }
    let Ok(found) = client.workers().await else {
        return output::say("  who works on this store could not be read: see `onward workers`");
    };
    let mut at_work = found.workers.into_iter().filter(|worker| worker.status == "working");
    let Some(first) = at_work.next() else {
        return output::say(&format!("  nobody works on this store now: {otherwise}"));
    };
    let host = first.host.as_deref().map(|host| format!(" on {}", plain(host))).unwrap_or_default();
    let pid = first.pid.map(|pid| format!("process {pid}")).unwrap_or_else(|| plain(&first.worker_id));
    let who = match at_work.count() as u64 {
        0 => format!("{pid}{host} works"),
        more => format!("{pid}{host} and {} more work", count(more)),
    };
    output::say(&format!(
        "  {who} on this store now and may take it up; an `onward run` ends with its own job, `onward serve` stays"
    ));
}
