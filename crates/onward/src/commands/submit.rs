//! `onward submit FILE --recipe R`: hands in a file as a new job.

use crate::args::Submit;
use crate::client::upload::unreadable;
use crate::client::{Client, Need, Wishes};
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::output::text::{counted, plain};
use crate::signals::Signals;
use crate::{jobs, output};

/// Prints the id of the new job.
pub(super) async fn run(config: &Config, verb: &Submit) -> Result<Exit, Failure> {
    let mut signals = Signals::take()?;
    let recipe = tokio::fs::read_to_string(&verb.recipe).await;
    let recipe = recipe.map_err(|error| unreadable(&verb.recipe, &error))?;
    let client = Client::open(config, Need::Created).await?;
    let wishes = Wishes { name: verb.name.as_deref(), first: verb.first };
    let job = tokio::select! {
        submitted = client.submit(&verb.file, &recipe, wishes) => submitted?,
        () = signals.next() => {
            output::say("interrupted; nothing was submitted");
            return Ok(Exit::Interrupted);
        }
    };
    if verb.watch {
        let id = jobs::id_of(&job)?;
        return super::watch::to_the_end(&client, id, &mut signals, verb.output.json).await;
    }
    if verb.output.json {
        output::json::print(&job);
    } else {
        output::data(&job.job_id);
    }
    let rows = counted(job.total_items, "row", "rows");
    output::say(&format!("{} with {rows} is queued", plain(&job.name)));
    for warning in &job.warnings {
        output::say(&format!("  warning: {}", plain(&warning.message)));
    }
    if client.is_remote() {
        output::say(&format!("  follow it with: onward watch {}", job.job_id));
    } else {
        super::hands::say(&client, "start `onward serve`").await;
    }
    Ok(Exit::Done)
}
