//! `onward resume`, `restart`, `cancel`, `pause`, `retry` and `settle`: the actions on one job.

use serde_json::{Value, json};

use crate::args::{Json, OneJob, Restart, Resume, Retry, Settle};
use crate::client::{Acted, Client, Need};
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::output::bar::progress;
use crate::{jobs, output};

/// `onward resume JOB [--first ROWS]`.
pub(super) async fn resume(config: &Config, verb: &Resume) -> Result<Exit, Failure> {
    let body = verb.first.map(|rows| json!({"first": rows}));
    act(config, &verb.job, verb.output, "resume", body).await
}

/// `onward restart JOB [--force]`.
pub(super) async fn restart(config: &Config, verb: &Restart) -> Result<Exit, Failure> {
    let body = json!({"force": verb.force});
    let failure = match act(config, &verb.job, verb.output, "restart", Some(body)).await {
        Ok(exit) => return Ok(exit),
        Err(failure) => failure,
    };
    let healthy = failure.is(onward_core::problem::Code::JobNotStuck);
    Err(if healthy { failure.hint("restart it all the same with --force") } else { failure })
}

/// `onward cancel JOB`.
pub(super) async fn cancel(config: &Config, verb: &OneJob) -> Result<Exit, Failure> {
    act(config, &verb.job, verb.output, "force-cancel", None).await
}

/// `onward pause JOB`.
pub(super) async fn pause(config: &Config, verb: &OneJob) -> Result<Exit, Failure> {
    act(config, &verb.job, verb.output, "pause", None).await
}

/// `onward retry JOB [--outcome OUTCOME] [--code CODE] [--rows ROWS]`.
pub(super) async fn retry(config: &Config, verb: &Retry) -> Result<Exit, Failure> {
    let mut body = json!({"outcome": verb.outcome.as_deref().unwrap_or("failed"), "rows": verb.rows});
    if let Some(code) = &verb.code {
        body["code"] = json!(code);
    }
    act(config, &verb.job, verb.output, "retry", Some(body)).await
}

/// `onward settle JOB --done|--again [--rows ROWS]`.
pub(super) async fn settle(config: &Config, verb: &Settle) -> Result<Exit, Failure> {
    let answer = if verb.done { "done" } else { "again" };
    let body = json!({"answer": answer, "rows": verb.rows});
    let settled = act(config, &verb.job, verb.output, "in-doubt", Some(body)).await;
    settled.map_err(|failure| {
        let nothing = failure.is(onward_core::problem::Code::NothingInDoubt);
        if nothing { failure.hint("`onward rows JOB --in-doubt` shows what waits") } else { failure }
    })
}

async fn act(
    config: &Config,
    job: &str,
    output: Json,
    action: &str,
    body: Option<Value>,
) -> Result<Exit, Failure> {
    let client = Client::open(config, Need::Existing).await?;
    let id = jobs::named(&client, job).await?;
    let (acted, raw) = client.act(id, action, body).await?;
    if output.json {
        output::json::print(&raw);
    } else {
        say(&acted, action);
        let job = &acted.job;
        if job.status == onward_core::state::JobState::Running && job.workers.is_empty() {
            super::hands::say(&client, "start `onward serve`, or run the file with `onward run`").await;
        }
    }
    Ok(Exit::Done)
}

fn say(acted: &Acted, action: &str) {
    let job = &acted.job;
    let message = match (acted.count, &acted.message) {
        (Some(count), _) if action == "retry" => {
            format!("{} opened again", output::text::counted(count, "row is", "rows are"))
        }
        (_, Some(message)) => output::text::plain(message),
        (_, None) => format!("{action}: done"),
    };
    output::say(&format!("{message} · {}", progress(job)));
    if let Some(row) = job.resume_from_row {
        let verb = if job.status.is_active() { "goes on" } else { "would go on" };
        output::say(&format!("  {verb} from row {}", output::text::count(row)));
    }
}
