//! `onward watch JOB`: follows a job to its end.

use onward_core::id::JobId;

use crate::args::OneJob;
use crate::client::{Client, Need};
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::jobs::{self, Followed};
use crate::output;
use crate::signals::Signals;

/// Shows the progress and ends as the job does.
pub(super) async fn run(config: &Config, verb: &OneJob) -> Result<Exit, Failure> {
    let mut signals = Signals::take()?;
    let client = Client::open(config, Need::Existing).await?;
    let id = jobs::named(&client, &verb.job).await?;
    to_the_end(&client, id, &mut signals, verb.output.json).await
}

/// Follows a job that somebody else works on. Ctrl-C leaves it alone.
pub(super) async fn to_the_end(
    client: &Client,
    id: JobId,
    signals: &mut Signals,
    json: bool,
) -> Result<Exit, Failure> {
    let (exit, job) = match jobs::follow(client, id, signals).await? {
        Followed::Ended(job) => (jobs::last_word(&job), job),
        Followed::Asks(job) => {
            jobs::asks_word(&job);
            output::say(&format!("  go on with: onward resume {id}"));
            (Exit::Done, job)
        }
        Followed::InDoubt(job) => (jobs::doubt_word(&job), job),
        Followed::Stuck(job) => (jobs::stuck_word(&job), job),
        Followed::Interrupted => {
            output::say(&format!("the job goes on without you; watch it again with: onward watch {id}"));
            output::say(&format!("  stop it with: onward cancel {id}"));
            return Ok(Exit::Interrupted);
        }
    };
    if json {
        output::json::print(&job);
    }
    Ok(exit)
}
