//! `onward attach JOB FILE`: the file again, an edited one, or corrected rows of an export.

use std::io::{BufRead, IsTerminal};

use onward_core::state::JobState;
use onward_server::api::view::AttachedView;

use crate::args::Attach;
use crate::client::{Client, Compare, Need};
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::output::text::{count, counted, plain};
use crate::{jobs, output};

/// Shows how the file differs, asks, and attaches it.
pub(super) async fn run(config: &Config, verb: &Attach) -> Result<Exit, Failure> {
    let client = Client::open(config, Need::Existing).await?;
    let id = jobs::named(&client, &verb.job).await?;
    let attached = match at_once(verb) {
        Some(how) => {
            let answer = client.attach(id, &verb.file, how).await?;
            if !(verb.dry_run && verb.output.json) {
                say(&answer);
            }
            if verb.dry_run {
                if verb.output.json {
                    output::json::print(&answer);
                }
                return Ok(Exit::Done);
            }
            answer
        }
        None => {
            let compared = client.attach(id, &verb.file, Compare::AndKeep).await?;
            say(&compared);
            if !agreed("attach it?")? {
                client.forget(id, &compared).await?;
                output::say("nothing was changed; attach it with --yes");
                return Ok(Exit::Done);
            }
            client.confirm(id, &compared).await?
        }
    };
    if verb.output.json {
        output::json::print(&attached);
    }
    let job = &attached.job;
    match (job.status, job.resume_from_row) {
        (JobState::Queued | JobState::Running, Some(_)) if client.is_remote() => {
            output::say("attached; the job goes on");
        }
        (JobState::Queued | JobState::Running, Some(_)) => {
            output::say("attached; `onward run` on the same file, or `onward serve`, goes on");
        }
        (_, Some(row)) => {
            output::say(&format!("attached; `onward resume {}` goes on from row {}", job.job_id, count(row)));
        }
        (_, None) => output::say("attached; every row is done"),
    }
    Ok(Exit::Done)
}

/// What is done without asking; `None` when the person is asked.
fn at_once(verb: &Attach) -> Option<Compare> {
    match (verb.dry_run, verb.yes) {
        (true, _) => Some(Compare::Only),
        (false, true) => Some(Compare::AndAttach),
        (false, false) => None,
    }
}

/// The difference, for a person.
pub(super) fn say(difference: &AttachedView) {
    let AttachedView { matched, changed, new, gone, moved, again, rows, .. } = difference;
    output::say(&format!(
        "{} the same, {} changed, {} new, {} gone, {} moved",
        counted(*matched, "row is", "rows are"),
        count(*changed),
        count(*new),
        count(*gone),
        count(*moved)
    ));
    for row in rows {
        output::say(&format!("  {:<8}row {:<9}{}", row.kind, count(row.row), plain(&row.key)));
    }
    let named = rows.len() as u64;
    let differ = changed + new + gone;
    if differ > named {
        output::say(&format!("  and {} more", count(differ - named)));
    }
    if *again > 0 {
        output::say(&format!("{} done again", counted(*again, "row is", "rows are")));
    }
}

/// Asks on a terminal; elsewhere nobody can answer, and nothing is changed.
pub(super) fn agreed(question: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() || !output::talks_to_a_terminal() {
        return Ok(false);
    }
    output::say(&format!("{question} [y/N]"));
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Failure::new(Exit::Unexpected, format!("failed to read the answer: {error}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
