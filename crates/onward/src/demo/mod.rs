//! What `onward demo` shows: a job of 313 creators over a sample API that misbehaves.

pub(crate) mod sample_api;

use std::net::SocketAddr;
use std::path::Path;

use onward_core::state::JobState;
use onward_server::api::view::JobView;

use crate::client::{Client, Wishes};
use crate::exit_code::{Exit, Failure};
use crate::output::bar::progress;
use crate::output::text::count;

/// The sample file and recipe, part of the program so that the demo needs nothing else.
const CREATORS: &str = include_str!("../../../../examples/creators/creators.csv");
const RECIPE: &str = include_str!("../../../../examples/creators/recipe.toml");

/// Deletes what an earlier demo left, and nothing that is not the demo's.
pub(crate) fn forget(data_dir: &Path) -> Result<(), Failure> {
    let names = ["onward.db", "onward.db-wal", "onward.db-shm", "creators.csv", "server.json"];
    let files = names.iter().map(|name| data_dir.join(name)).chain([sample_api::path(data_dir)]);
    for file in files {
        match std::fs::remove_file(&file) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let message = format!("failed to delete {}: {error}", file.display());
                return Err(Failure::new(Exit::Unexpected, message));
            }
        }
    }
    Ok(())
}

/// The newest job of the demo's store; the sample job is submitted when there is none.
pub(crate) async fn sample_job(client: &Client, data_dir: &Path, api_port: u16) -> Result<JobView, Failure> {
    let page = client.jobs(&[("limit", "1")]).await?;
    if let Some(job) = page.jobs.into_iter().next() {
        return Ok(job);
    }
    let file = data_dir.join("creators.csv");
    tokio::fs::write(&file, CREATORS).await.map_err(|error| {
        Failure::new(Exit::Unexpected, format!("failed to write {}: {error}", file.display()))
    })?;
    let wishes = Wishes { name: Some("creators.csv"), first: None };
    client.submit(&file, &recipe_for(api_port), wishes).await
}

/// The sample recipe with the port of the sample API.
fn recipe_for(port: u16) -> String {
    RECIPE.replace(&format!("127.0.0.1:{}", sample_api::DEFAULT_PORT), &format!("127.0.0.1:{port}"))
}

/// What the person reads at the start.
pub(crate) fn invitation(server: SocketAddr, api_port: u16, data_dir: &Path, job: &JobView) -> Vec<String> {
    let program = program();
    let folder = std::env::current_dir().ok();
    let data_dir = folder.as_ref().and_then(|folder| data_dir.strip_prefix(folder).ok()).unwrap_or(data_dir);
    let shown = data_dir.display();
    let mut lines = vec![String::new(), format!("  Onward is at http://{server}"), String::new()];
    lines.push(format!("  {}", standing(job)));
    lines.push(format!("  It looks each creator up at a sample API on port {api_port}, which is slow and"));
    lines.push("  unreliable on purpose. Open the address above and try:".to_owned());
    lines.push(String::new());
    lines.push("  - press Cancel at some row, then the green Resume: it goes on at the exact row".to_owned());
    lines.push(format!("  - kill -9 {} and run the demo again: it goes on where it was", std::process::id()));
    lines.push("  - press Restart: the work is taken away and goes on from the checkpoint".to_owned());
    lines.push(format!("  - {program} --data-dir {shown} show last"));
    lines.push(format!("  - {program} --data-dir {shown} errors last"));
    lines.push(String::new());
    lines.push(format!("  Everything is in {shown}; `demo --fresh` starts over. Ctrl-C stops."));
    lines.push(String::new());
    lines
}

fn standing(job: &JobView) -> String {
    let from = job.resume_from_row.map(count).unwrap_or_default();
    match job.status {
        JobState::Queued => format!("A sample job of {} creators begins.", count(job.total_items)),
        JobState::Running => format!("The sample job goes on from row {from}: {}.", progress(job)),
        JobState::Paused | JobState::Failed | JobState::Cancelled => {
            format!("The sample job is {} at {}; Resume goes on from row {from}.", job.status, progress(job))
        }
        JobState::Completed => {
            format!("The sample job is done: {}. `demo --fresh` starts it over.", progress(job))
        }
    }
}

/// The program as the person called it.
fn program() -> String {
    let typed = std::env::args().next().unwrap_or_default();
    if typed.contains('/') { typed } else { "onward".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_recipe_reads_and_calls_the_port_of_the_sample_api() {
        let recipe = onward_core::recipe::Recipe::parse(&recipe_for(9_999)).unwrap();
        let url = recipe.fetch.unwrap().url;
        assert!(url.starts_with("http://127.0.0.1:9999/creators/"), "{url}");
    }

    #[test]
    fn forgetting_deletes_only_what_is_the_demos() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("onward.db"), "").unwrap();
        std::fs::write(folder.path().join("mine.txt"), "").unwrap();
        forget(folder.path()).unwrap();
        assert!(!folder.path().join("onward.db").exists());
        assert!(folder.path().join("mine.txt").exists());
    }
}
