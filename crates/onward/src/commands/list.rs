//! `onward list`: the jobs, newest first.

use onward_server::api::view::JobsView;

use crate::args::List;
use crate::client::{Client, Need};
use crate::config::Config;
use crate::exit_code::{Exit, Failure};
use crate::output;
use crate::output::table::Table;
use crate::output::text::count;

/// The API gives no larger page.
const PAGE: u64 = 100;

/// Prints the jobs as a table, or as the API's `{jobs, next_cursor}`.
pub(super) async fn run(config: &Config, verb: &List) -> Result<Exit, Failure> {
    if !config.store_may_exist() && Client::of_server(config).await?.is_none() {
        return print(JobsView { jobs: Vec::new(), next_cursor: None }, verb);
    }
    let client = Client::open(config, Need::Existing).await?;
    let mut all = JobsView { jobs: Vec::new(), next_cursor: None };
    loop {
        let missing = verb.limit - all.jobs.len() as u64;
        let limit = missing.min(PAGE).to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(verb.status.as_deref().map(|status| ("status", status)));
        query.extend(verb.q.as_deref().map(|text| ("q", text)));
        query.extend(all.next_cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = client.jobs(&query).await?;
        let empty = page.jobs.is_empty();
        all.jobs.extend(page.jobs);
        all.next_cursor = page.next_cursor;
        if empty || all.next_cursor.is_none() || all.jobs.len() as u64 >= verb.limit {
            return print(all, verb);
        }
    }
}

fn print(page: JobsView, verb: &List) -> Result<Exit, Failure> {
    if verb.output.json {
        output::json::print(&page);
        return Ok(Exit::Done);
    }
    if page.jobs.is_empty() {
        output::say("no jobs");
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["JOB", "STATUS", "DONE", "FAILED", "CREATED", "NAME"]);
    for job in page.jobs {
        let status = match &job.stuck {
            Some(_) => "stuck".to_owned(),
            None => job.status.word().to_owned(),
        };
        table.row([
            job.job_id,
            status,
            format!("{}/{}", count(job.processed_items), count(job.total_items)),
            count(job.results.failed),
            job.created_at.get(..16).unwrap_or(&job.created_at).replace('T', " "),
            job.name,
        ]);
    }
    table.print();
    if page.next_cursor.is_some() {
        output::say("there are more; see them with --limit");
    }
    Ok(Exit::Done)
}
