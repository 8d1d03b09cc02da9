//! `onward show JOB`: everything about one job.

use onward_core::state::Step;
use onward_server::api::view::JobView;

use crate::args::OneJob;
use crate::client::{Client, Need};
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::output::text::{count, counted, plain};
use crate::{jobs, output};

/// Prints the job as lines for a person, or as the API's JSON.
pub(super) async fn run(config: &Config, verb: &OneJob) -> Result<Exit, Failure> {
    let client = Client::open(config, Need::Existing).await?;
    let id = jobs::named(&client, &verb.job).await?;
    let job = client.job(id).await?;
    if verb.output.json {
        output::json::print(&job);
    } else {
        for (label, value) in lines(&job) {
            output::data(&format!("{label:<12}{}", plain(&value)));
        }
    }
    Ok(Exit::Done)
}

fn lines(job: &JobView) -> Vec<(&'static str, String)> {
    let r = &job.results;
    let mut lines = vec![
        ("job", job.job_id.clone()),
        ("name", job.name.clone()),
        ("status", job.status.to_string()),
        ("progress", output::bar::sentence(job)),
        (
            "results",
            format!(
                "{} added, {} failed, {} skipped, {} filtered",
                count(r.added),
                count(r.failed),
                count(r.skipped),
                count(r.filtered)
            ),
        ),
        ("checkpoint", checkpoint(job)),
    ];
    lines.extend(job.resume_from_row.map(|row| ("next row", count(row))));
    if job.in_doubt_rows > 0 {
        let rows = counted(job.in_doubt_rows, "row", "rows");
        lines.push(("in doubt", format!("{rows}; see onward rows {} --in-doubt", job.job_id)));
    }
    lines.extend(
        job.stuck.as_ref().map(|stuck| ("stuck", format!("{}, since {}", stuck.detail, stuck.since))),
    );
    lines.extend(
        job.pause.as_ref().map(|pause| ("paused", format!("{}: {}", pause.reason.word(), pause.message))),
    );
    lines.extend(job.error.as_ref().map(|error| ("error", format!("{}: {}", error.code, error.message))));
    lines.push(("file", file(job)));
    lines.push(("attempt", format!("{} (epoch {})", job.attempt, job.epoch)));
    lines.push(("created", job.created_at.clone()));
    lines.extend(job.finished_at.clone().map(|at| ("finished", at)));
    for holder in &job.workers {
        lines.push(("worker", format!("{}, lease until {}", holder.worker, holder.lease_until)));
    }
    for warning in &job.warnings {
        lines.push(("warning", warning.message.clone()));
    }
    let actions: Vec<&str> = job.allowed_actions.iter().map(|action| verb_of(*action)).collect();
    if !actions.is_empty() {
        lines.push(("possible", actions.join(", ")));
    }
    lines
}

fn checkpoint(job: &JobView) -> String {
    let point = &job.checkpoint;
    let ahead = if point.ahead > 0 { format!(", and {} beyond", count(point.ahead)) } else { String::new() };
    match &point.saved_at {
        Some(at) => format!("all rows up to {}{ahead}; saved {at}", count(point.low_water)),
        None => "nothing saved yet".to_owned(),
    }
}

fn file(job: &JobView) -> String {
    let gone = if job.input.available { "" } else { " - its stored copy is gone" };
    format!("{} ({} bytes, sha256 {}){gone}", job.input.filename, count(job.input.bytes), job.input.sha256)
}

/// The verb of the command line for an action.
fn verb_of(step: Step) -> &'static str {
    match step {
        Step::ForceCancel => "cancel",
        Step::Start
        | Step::Resume
        | Step::Restart
        | Step::Pause
        | Step::Retry
        | Step::Complete
        | Step::Fail => step.word(),
    }
}
