//! `onward delete JOB`.

use crate::args::OneJob;
use crate::client::{Client, Need};
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::{jobs, output};

/// Deletes a job that is not running; what it added stays.
pub(super) async fn run(config: &Config, verb: &OneJob) -> Result<Exit, Failure> {
    let client = Client::open(config, Need::Existing).await?;
    let id = jobs::named(&client, &verb.job).await?;
    client.delete(id).await?;
    if verb.output.json {
        output::json::print(&serde_json::json!({"deleted": id.to_string()}));
    } else {
        output::say(&format!("job {id} is deleted; the creators it added stay"));
    }
    Ok(Exit::Done)
}
