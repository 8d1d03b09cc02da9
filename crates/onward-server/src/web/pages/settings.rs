//! Settings: what is in force on this server, and how to change it. Secrets by name alone.

use maud::{Markup, html};
use onward_core::job::Job;
use onward_core::recipe::Hook;
use onward_core::state::JobState;
use onward_core::store::JobQuery;

use crate::problem::Result;
use crate::state::App;
use crate::web::format::{bytes, count};
use crate::web::parts::deliveries::words;

/// Jobs whose recipes are looked at for the secrets they name.
const MOST_JOBS: usize = 200;

/// What the page shows.
#[derive(Debug, Clone)]
pub(crate) struct View {
    listen: String,
    hosts: Vec<String>,
    public_url: Option<String>,
    hook: Option<Hook>,
    store: &'static str,
    max_upload_bytes: u64,
    max_streams: usize,
    secrets: Vec<Secret>,
}

/// A secret: its name, whether it is set, and the jobs that need it.
#[derive(Debug, Clone)]
struct Secret {
    name: String,
    is_set: bool,
    jobs: usize,
}

/// Reads what the page shows.
pub(crate) async fn read(app: &App) -> Result<View> {
    let settings = &app.settings;
    let jobs = app.engine.jobs(&JobQuery { limit: MOST_JOBS, ..JobQuery::default() }).await?;
    let mut secrets: Vec<Secret> = settings
        .secret_names
        .iter()
        .map(|name| Secret { name: name.clone(), is_set: true, jobs: 0 })
        .collect();
    for job in jobs.iter().map(|snapshot| &snapshot.job).filter(|job| job.state != JobState::Completed) {
        for name in named(job) {
            match secrets.iter_mut().find(|secret| secret.name == name) {
                Some(known) => known.jobs += 1,
                None => secrets.push(Secret { name, is_set: false, jobs: 1 }),
            }
        }
    }
    secrets.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(View {
        listen: settings.listen.to_string(),
        hosts: settings.hosts.clone(),
        public_url: settings.public_url.clone(),
        hook: app.engine.standing().cloned(),
        store: app.engine.store().kind(),
        max_upload_bytes: settings.max_upload_bytes,
        max_streams: settings.max_streams,
        secrets,
    })
}

/// The names behind `{{ secret.NAME }}` in a stored recipe.
fn named(job: &Job) -> Vec<String> {
    let mut names: Vec<String> = job
        .recipe
        .split("secret.")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect())
        .filter(|name: &String| !name.is_empty())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The page.
#[must_use]
pub(crate) fn render(view: &View) -> Markup {
    html! {
        h1 { "Settings" }
        p.lead { "What is in force. Nothing here is changed from a browser: the configuration is " code { "onward.toml" } ", the environment and the command line, in this order." }
        div.columns {
            section.panel { h2 { "Server" } dl.pairs {
                div { dt { "Listens on" } dd { code { (view.listen) } } }
                div { dt { "Further host names" } dd { @if view.hosts.is_empty() { "none" } @else { (view.hosts.join(", ")) } } }
                div { dt { "Others reach it at" } dd { @if let Some(url) = &view.public_url { code { (url) } } @else { "no other address; links in hooks are paths" } } }
                div { dt { "Store" } dd { (view.store) } }
                div { dt { "Largest upload" } dd { (bytes(view.max_upload_bytes)) } }
                div { dt { "Event-stream clients" } dd { "at most " (count(view.max_streams as u64)) } }
                div { dt { "Times" } dd { "UTC on every page, in the API and in exports" } }
            } }
            section.panel { h2 { "Defaults of a recipe" } dl.pairs {
                div { dt { "Calls at the same time" } dd { "8" } }
                div { dt { "One call may take" } dd { "30 s" } }
                div { dt { "Checkpoint" } dd { "at least every 5 rows" } }
                div { dt { "Called stuck after" } dd { "60 s without a saved row, or the time of a call and 30 s" } }
            } }
        }
        section.panel { h2 { "Hook of all jobs" }
            @match &view.hook {
                Some(hook) => {
                    p { code { (hook.url) } " is told when a job is " (words(hook)) ", beside the hooks of its recipe." }
                    p.hint { "Signed with " @for (at, name) in hook.secret_names().enumerate() { @if at > 0 { " and " } code { "ONWARD_SECRET_" (name) } } ". Jobs keep the hook they were made with." }
                }
                None => p { "None. " code { "[hook]" } " in " code { "onward.toml" } ", or " code { "--hook" } ", names a server that is told of every job." }
            }
        }
        section.panel { h2 { "Secrets" }
            p.hint { "Read from variables that begin with " code { "ONWARD_SECRET_" } " where the server runs. Never stored, never shown." }
            @if view.secrets.is_empty() { p { "None is set, and no job needs one." } } @else {
                div.scroll tabindex="0" role="region" aria-label="Secrets" { table {
                    thead { tr { th scope="col" { "Name" } th scope="col" { "Set" } th.num scope="col" { "Jobs that need it" } } }
                    tbody { @for secret in &view.secrets { tr {
                        th scope="row" { code { (secret.name) } }
                        td { @if secret.is_set { span.good { "yes" } } @else { span.bad { "no: set ONWARD_SECRET_" (secret.name) " and start the server again" } } }
                        td.num { (secret.jobs) }
                    } } }
                } }
            }
        }
        section.panel { h2 { "Retention" }
            p { "Jobs, their ledger and their files stay until somebody deletes the job; creators stay even then. Uploads that no job was made of go after a day, answers kept for an Idempotency-Key as well." }
        }
        section.panel { h2 { "Access" }
            p { "On loopback there is no login: whoever reaches this machine's port may do everything. Requests from pages of other sites are refused." }
        }
    }
}
