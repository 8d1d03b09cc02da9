//! `onward adopt FILE …`: a job from somebody's half-done work, which then goes on.

use onward_engine::Submission;
use onward_engine::adopt::{Adopted, Evidence};
use onward_engine::attach::Intent;

use crate::args::Adopt;
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::host::{Host, Opening};
use crate::output;
use crate::output::text::count;
use crate::store::Author;

/// Says what is taken as done, asks, and goes on with the rest as `onward run` does.
pub(super) async fn run(config: &Config, verb: &Adopt) -> Result<Exit, Failure> {
    let evidence = evidence(verb)?;
    let recipe = super::asked::recipe(&verb.run).await?;
    let host = Host::open_for(config, Opening::Beside, Author::Terminal).await?;
    let submission = Submission {
        file: verb.run.file.clone(),
        filename: verb
            .run
            .file
            .file_name()
            .unwrap_or(verb.run.file.as_os_str())
            .to_string_lossy()
            .into_owned(),
        recipe,
        name: verb.run.name.clone(),
        first: verb.run.first,
        actor: String::from("you"),
        sha256: None,
    };
    if !verb.yes {
        let (adopted, _) = host.engine.adopt(submission.clone(), &evidence, Intent::DryRun).await?;
        say(&adopted, &evidence);
        if verb.dry_run {
            return Ok(Exit::Done);
        }
        if !super::attach::agreed("take them over?")? {
            output::say("nothing was changed; take them over with --yes");
            return Ok(Exit::Done);
        }
    }
    let (adopted, _) = host.engine.adopt(submission, &evidence, Intent::Attach).await?;
    if verb.yes {
        say(&adopted, &evidence);
    }
    drop(host);
    super::run::run(config, &verb.run).await
}

fn evidence(verb: &Adopt) -> Result<Evidence, Failure> {
    let Adopt { joblog, results, status, done_when, done, in_list, .. } = verb;
    match (joblog, results, done, in_list) {
        (Some(path), None, None, false) => Ok(Evidence::Joblog(path.clone())),
        (None, Some(file), None, false) => {
            Ok(Evidence::Results { file: file.clone(), status: status.clone(), done: done_when.clone() })
        }
        (None, None, Some(rows), false) => Ok(Evidence::Count(*rows)),
        (None, None, None, true) => Ok(Evidence::List),
        _ => Err(Failure::new(Exit::Usage, "how is it known which rows are done? Say it in one way")
            .hint("--joblog FILE, --results FILE, --done ROWS, or --in-list")),
    }
}

fn say(adopted: &Adopted, evidence: &Evidence) {
    let Adopted { total, done, from_row } = adopted;
    let next = from_row.map_or_else(String::new, |row| format!("; the first one left is row {}", count(row)));
    output::say(&format!("{} of {} rows are taken as done{next}", count(*done), count(*total)));
    if let Evidence::Count(_) = evidence {
        output::say("  a count is only right when the rows were done in order, one after the other;");
        output::say("  --in-list looks into the list of creators instead, --results into a file");
    }
}
