//! Every state on one page, as somebody with many lists sees it. Its screenshot is the picture in the
//! README (`docs/img/dashboard.png`).

use std::time::Duration;

use anyhow::{Result, ensure};
use onward_testkit::jobs::handle;
use onward_testkit::upstream::{Behaviour, Reply};
use onward_testkit::{Api, CreatorsJob, Home, Script, Upstream};
use serde_json::Value;

use crate::page::{Page, SOON};
use crate::{BINARY, left_out};

/// Rows of each job.
const ROWS: u64 = 313;
/// Slow enough to stop a job in its middle.
const LATENCY: Duration = Duration::from_millis(40);

/// Submits a mixed job against an upstream of its own.
async fn submit(api: &Api, tag: &str, latency: Duration, more: &str) -> Result<(String, Upstream)> {
    let upstream = Upstream::start(CreatorsJob::mixed_script(tag, ROWS).latency(latency))?;
    let truth = CreatorsJob::mixed(tag, ROWS, &upstream.url()).with_table(more);
    Ok((api.submit(&truth).await?, upstream))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_every_state_shows_each_with_its_own_buttons() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let home = Home::new(BINARY)?;
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let state = |wanted: &'static str| move |job: &Value| job["status"] == wanted;

    let (done, _first) = submit(&api, "spring-campaign", Duration::ZERO, "").await?;
    let (failed, _second) = submit(&api, "agency-list", LATENCY, "[stop]\nfailed_rows = 4\n").await?;
    let (stopped, _third) = submit(&api, "travel-uk", LATENCY, "").await?;
    api.job_when(&stopped, "two hundred rows", SOON, |job| job["processed_items"].as_u64() > Some(200))
        .await?;
    ensure!(api.act(&stopped, "force-cancel").await?.status == 200);
    api.job_when(&done, "the first job to end", SOON, state("completed")).await?;
    api.job_when(&failed, "the second job to fail", SOON, state("failed")).await?;

    let hang = Script::default().handle(handle("gaming", 41), Behaviour::reply(Reply::Hang));
    let hanging = Upstream::start(hang)?;
    let truth = CreatorsJob::plain("gaming", 120, &hanging.url()).with_work("stuck_after = \"2s\"");
    let stuck = api.submit(&truth).await?;
    api.job_when(&stuck, "the job to be stuck", SOON, |job| !job["stuck"].is_null()).await?;

    let (running, upstream) = submit(&api, "beauty-de", 2 * LATENCY, "").await?;
    api.job_when(&running, "sixty rows", SOON, |job| job["processed_items"].as_u64() > Some(60)).await?;
    // Held before the browser starts, which may take longer than the rest of the job.
    upstream.hold();
    let page = Page::open(&format!("{}/", api.base())).await?;
    for (job, status, actions) in [
        (&running, "running", "restart force-cancel details"),
        (&stuck, "running", "restart force-cancel details"),
        (&stopped, "cancelled", "resume details"),
        (&failed, "failed", "resume details"),
        (&done, "completed", "details"),
    ] {
        let card = format!("article.job[data-job='{job}'][data-status={status}]");
        page.wait_for(&card).await?;
        let script = format!(
            "return [...document.querySelectorAll({})].map((act) => act.dataset.action).join(' ')",
            Value::from(format!("{card} .acts [data-action]"))
        );
        let offered = page.ask(&script).await?;
        ensure!(offered == actions, "a {status} job offers {offered}");
    }
    page.audit("all-states").await
}
