//! `onward run FILE`: does a file to its end, and goes on where it stopped.

use onward_core::id::JobId;
use onward_core::job::Job;
use onward_core::problem::Code;
use onward_core::recipe::Recipe;
use onward_core::state::JobState;
use onward_core::store::JobQuery;
use onward_server::api::view::JobView;

use crate::args::Run;
use crate::client::upload::unreadable;
use crate::client::{Client, Compare, Wishes};
use crate::config::Config;
use crate::digest::digest;
use crate::exit_code::{Exit, Failure};
use crate::host::{self, Host, Opening, Stopped};
use crate::jobs::{self, Followed};
use crate::output;
use crate::output::bar::progress;
use crate::output::text::{count, counted, plain};
use crate::signals::Signals;
use crate::store::Author;

/// Jobs looked through for one over an earlier version of the file.
const EARLIER_JOBS: usize = 50;

/// At a server when one holds the store, in this process otherwise.
pub(super) async fn run(config: &Config, verb: &Run) -> Result<Exit, Failure> {
    let mut signals = Signals::take()?;
    let work = Asked::read(verb).await?;
    match Client::of_server(config).await? {
        Some(client) => at_the_server(config, &client, &work, &mut signals).await,
        None => in_this_process(config, &work, &mut signals).await,
    }
}

/// What the person asked for, read from the disk.
struct Asked<'a> {
    verb: &'a Run,
    recipe: Recipe,
    recipe_text: String,
    sha256: String,
}

impl<'a> Asked<'a> {
    async fn read(verb: &'a Run) -> Result<Self, Failure> {
        let sha256 = digest(&verb.file).await.map_err(|error| unreadable(&verb.file, &error))?;
        let recipe = super::asked::recipe(verb).await?;
        Ok(Self { verb, recipe_text: recipe.to_json(), recipe, sha256 })
    }
}

/// Where a run stands after it was handed in or found.
enum Begun {
    Goes(JobId),
    Over(Box<JobView>),
}

async fn at_the_server(
    config: &Config,
    client: &Client,
    asked: &Asked<'_>,
    signals: &mut Signals,
) -> Result<Exit, Failure> {
    output::say(&format!("the server at {} does the work", client.address().unwrap_or_default()));
    // The server has no question for "the job over this file and recipe"; the store beside it has.
    let begun = {
        let beside = Host::open(config, Opening::Beside).await?;
        begin(client, &beside, asked).await?
    };
    match begun {
        Begun::Over(job) => Ok(over(&job, asked)),
        Begun::Goes(id) => super::watch::to_the_end(client, id, signals, asked.verb.output.json).await,
    }
}

async fn in_this_process(config: &Config, asked: &Asked<'_>, signals: &mut Signals) -> Result<Exit, Failure> {
    let host = Host::open_for(config, Opening::Own, Author::Terminal).await?;
    let client = Client::in_process(&host, config);
    let id = match begin(&client, &host, asked).await? {
        Begun::Over(job) => {
            // What was adopted as done is told of here, and what an earlier run could not tell.
            tell_the_rest(&host, jobs::id_of(&job)?).await;
            return Ok(over(&job, asked));
        }
        Begun::Goes(id) => id,
    };
    let _alive = host.start_work().await;
    let (exit, job) = match jobs::follow(&client, id, signals).await? {
        Followed::Ended(job) => {
            host::stop_work(&host.engine, signals).await;
            (jobs::last_word(&job), job)
        }
        Followed::Asks(job) => {
            host::stop_work(&host.engine, signals).await;
            jobs::asks_word(&job);
            output::say(&format!("  go on with: {}", without_first()));
            (Exit::Done, job)
        }
        Followed::InDoubt(job) => {
            host::stop_work(&host.engine, signals).await;
            (jobs::doubt_word(&job), job)
        }
        Followed::Stuck(job) => {
            host::stop_work(&host.engine, signals).await;
            (jobs::stuck_word(&job), job)
        }
        Followed::Interrupted => return interrupted(&host, &client, id, signals).await,
    };
    tell_the_rest(&host, id).await;
    if asked.verb.output.json {
        output::json::print(&job);
    }
    Ok(exit)
}

/// This process ends with its job: whoever is to be told of it is told now.
async fn tell_the_rest(host: &Host, id: JobId) {
    let waiting = match host.engine.tell_the_rest(id).await {
        Ok(0) => return,
        Ok(waiting) => counted(waiting, "delivery waits", "deliveries wait"),
        Err(problem) => problem.detail,
    };
    output::say(&format!("  hooks: {waiting}; `onward serve` sends what waits, see: onward deliveries {id}"));
}

/// Hands the file in, or takes up the job that was made of it before.
async fn begin(client: &Client, host: &Host, asked: &Asked<'_>) -> Result<Begun, Failure> {
    let known = match host.engine.find(&asked.sha256, &asked.recipe).await? {
        Some(id) => Some(id),
        None => earlier(client, host, asked).await?,
    };
    let Some(id) = known else {
        let wishes = Wishes { name: asked.verb.name.as_deref(), first: asked.verb.first };
        let job = client.submit(&asked.verb.file, &asked.recipe_text, wishes).await?;
        let rows = counted(job.total_items, "row", "rows");
        output::say(&format!("{}: {rows} (job {})", plain(&job.name), job.job_id));
        for warning in &job.warnings {
            output::say(&format!("  warning: {}", plain(&warning.message)));
        }
        return Ok(Begun::Goes(jobs::id_of(&job)?));
    };
    let job = client.job(id).await?;
    match job.status {
        JobState::Completed => return Ok(Begun::Over(Box::new(job))),
        JobState::Failed | JobState::Cancelled | JobState::Paused => {
            let body = asked.verb.first.map(|rows| serde_json::json!({"first": rows}));
            client.act(id, "resume", body).await?;
        }
        JobState::Queued | JobState::Running => {}
    }
    if let Some(row) = job.resume_from_row {
        let (row, done) = (count(row), progress(&job));
        output::say(&format!("{}: goes on from row {row}, {done} (job {id})", plain(&job.name)));
    }
    Ok(Begun::Goes(id))
}

/// The job that was made of an earlier version of this file, with the file as it is now. One that runs
/// goes on as it is when only fields differ. With less than half of its rows in the file, this is another
/// list that happens to have the same name.
async fn earlier(client: &Client, host: &Host, asked: &Asked<'_>) -> Result<Option<JobId>, Failure> {
    let file = &asked.verb.file;
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    let query = JobQuery { text: Some(name.to_string()), limit: EARLIER_JOBS, ..JobQuery::default() };
    let work = asked.recipe.work_json();
    let same = |job: &Job| job.input.filename == name && Recipe::work_of(&job.recipe) == work;
    let jobs = host.engine.jobs(&query).await?;
    let Some(job) = jobs.into_iter().map(|snapshot| snapshot.job).find(same) else { return Ok(None) };
    // Kept, so that a large file is sent and read once.
    let difference = match client.attach(job.id, file, Compare::AndKeep).await {
        Ok(difference) => difference,
        Err(failure) if failure.is(Code::InputMismatch) || failure.is(Code::InputGone) => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let works = matches!(job.state, JobState::Queued | JobState::Running);
    let is_another = (difference.matched + difference.changed) * 2 < job.total;
    if is_another || (works && difference.new + difference.gone > 0) {
        client.forget(job.id, &difference).await?;
        return Ok(None);
    }
    output::say(&format!("{} has changed since job {} was made of it:", plain(&job.name), job.id));
    super::attach::say(&difference);
    if works {
        client.forget(job.id, &difference).await?;
    } else {
        client.confirm(job.id, &difference).await?;
    }
    output::say("  (`onward submit` makes a new job that does all of its rows)");
    Ok(Some(job.id))
}

fn over(job: &JobView, asked: &Asked<'_>) -> Exit {
    output::say(&format!("every row of {} is done already (job {})", plain(&job.name), job.job_id));
    if asked.verb.output.json {
        output::json::print(job);
    }
    jobs::last_word(job)
}

/// Ctrl-C: the rows in hand are finished and saved, and the job is held until it is run again.
async fn interrupted(
    host: &Host,
    client: &Client,
    id: JobId,
    signals: &mut Signals,
) -> Result<Exit, Failure> {
    output::say("stopping after the rows in hand; Ctrl-C again stops at once");
    let stopped = host::stop_work(&host.engine, signals).await;
    if stopped == Stopped::Cleanly {
        // Refused when the last row was among those in hand; then the job is over, and that is fine.
        if let Err(failure) = client.act(id, "pause", None).await {
            tracing::debug!(%failure, "the job was not held");
        }
        tell_the_rest(host, id).await;
        let job = client.job(id).await?;
        if Exit::of_job(&job).is_some() {
            return Ok(jobs::last_word(&job));
        }
        let row = job.resume_from_row.map(|row| format!(", goes on from row {}", count(row)));
        output::say(&format!("stopped at {}{}", progress(&job), row.unwrap_or_default()));
    }
    output::say(&format!("  goes on with: {}", as_typed()));
    Ok(Exit::Interrupted)
}

/// The command as the person typed it, for a shell.
fn as_typed() -> String {
    typed().join(" ")
}

/// The same without `--first ROWS`.
fn without_first() -> String {
    let mut words = typed().into_iter();
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--first" => drop(words.next()),
            // What follows is a command of the person's own.
            "--" => {
                kept.push(word);
                kept.extend(words.by_ref());
            }
            word if word.starts_with("--first=") => {}
            _ => kept.push(word),
        }
    }
    kept.join(" ")
}

fn typed() -> Vec<String> {
    std::env::args_os().map(|word| quoted(&word.to_string_lossy())).collect()
}

fn quoted(word: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(harmless) {
        return word.to_owned();
    }
    format!("'{}'", plain(word).replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_goes_on_can_be_pasted() {
        assert_eq!(quoted("my creators.csv"), "'my creators.csv'");
        assert_eq!(quoted("--recipe=r.toml"), "--recipe=r.toml");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
