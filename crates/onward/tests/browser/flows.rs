//! Every flow once by keyboard alone, and everything audited on the way.

use std::time::Duration;

use anyhow::{Result, ensure};
use onward_testkit::jobs::handle;
use onward_testkit::{CreatorsJob, Home, Upstream};
use serde_json::json;

use crate::page::{Page, SOON};
use crate::{BINARY, left_out};

/// Rows of a job: several pages of failed ones are not needed here.
const ROWS: u64 = 120;
/// Time to press something while the job runs.
const LATENCY: Duration = Duration::from_millis(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_new_job_is_pasted_tried_kept_over_a_reload_and_started_by_keyboard_alone() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let home = Home::new(BINARY)?;
    let upstream = Upstream::start(CreatorsJob::mixed_script("keys", ROWS))?;
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let page = Page::open(&format!("{}/", api.base())).await?;
    page.key("n").await?;
    page.wait_at("/jobs/new").await?;

    page.enter("#use-paste").await?;
    page.write("Account name,note\n@keys.0001,007\nKEYS.0002,b\nkeys.0001,again\n,nobody\n").await?;
    page.enter("#paste-done").await?;
    page.wait_text("#report", |text| text.contains("4 rows, 2 of them need work")).await?;
    page.wait_text("#preview", |text| text.contains("007")).await?;
    page.wait_text("#key-hint", |text| text.starts_with("Its header names a handle")).await?;
    page.fill("#url", &format!("{}/creators/{{{{ handle }}}}", upstream.url())).await?;
    page.fill("#rate", "50/s").await?;
    page.enter("#try").await?;
    page.wait_text("#tried", |text| text.matches("added").count() == 3).await?;
    ensure!(upstream.count() == 3, "three rows are three calls, not {}", upstream.count());
    ensure!(api.get("/jobs").await?.body["jobs"] == json!([]), "trying makes no job");
    page.audit("new-job-filled").await?;

    page.reload().await?;
    page.wait_text("#report", |text| text.contains("4 rows")).await?;
    let kept = "return [document.querySelector('#rate').value, document.querySelector('#key').value]";
    ensure!(page.ask(kept).await? == json!(["50/s", "account_name"]), "{}", page.ask(kept).await?);
    let recipe = page.ask("return document.querySelector('#recipe').value").await?;
    ensure!(recipe.as_str().is_some_and(|recipe| recipe.contains("handle = \"Account name\"")), "{recipe}");

    page.enter(".start button[type=submit]").await?;
    page.wait_for("article.job[data-status=completed]").await?;
    let job = page.ask("return document.querySelector('article.job').dataset.job").await?;
    page.agrees(&api, job.as_str().unwrap_or_default()).await?;
    let told = api.get("/jobs").await?.body["jobs"][0].clone();
    ensure!(told["results"] == json!({ "added": 2, "failed": 0, "skipped": 2, "filtered": 0 }), "{told}");
    page.goto(&format!("{}/jobs/new", api.base())).await?;
    page.wait_for("#file-more").await?;
    ensure!(!page.shows("#upload").await?, "a job that was made leaves no draft");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_cancelled_steered_resumed_and_its_rows_retried_by_keyboard_alone() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let home = Home::new(BINARY)?;
    let upstream = Upstream::start(CreatorsJob::mixed_script("keyed", ROWS).latency(LATENCY))?;
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let job = api.submit(&CreatorsJob::mixed("keyed", ROWS, &upstream.url())).await?;
    api.job_when(&job, "thirty rows", SOON, |job| job["processed_items"].as_u64() > Some(30)).await?;
    upstream.hold();
    let page = Page::open(&format!("{}/", api.base())).await?;
    page.wait_for("#conn[data-state=live]").await?;
    page.key("j").await?;
    page.key("c").await?;
    page.wait_for("dialog#confirm[open]").await?;
    ensure!(
        page.ask("return document.activeElement.id").await? == "confirm-no",
        "the safe button has the focus"
    );
    page.enter("#confirm-yes").await?;
    page.toast("Job cancelled").await?;
    page.wait_for("article.job[data-status=cancelled]").await?;
    page.key("j").await?;
    page.key("Enter").await?;
    page.wait_at(&format!("/jobs/{job}")).await?;

    page.fill("#steer #rate", "1000/s").await?;
    page.fill("#steer #concurrency", "4").await?;
    page.enter("#steer button").await?;
    page.toast("Limits changed").await?;
    let told = api.job(&job).await?;
    ensure!(told["concurrency"] == 4, "{told}");
    page.enter("button[data-action=resume-first]").await?;
    page.toast("Job resumed successfully").await?;
    upstream.release();
    page.wait_for("article.job[data-status=paused]").await?;
    let held = api.job(&job).await?;
    ensure!(held["processed_items"].as_u64() < Some(ROWS), "ten rows and no more: {held}");
    page.agrees(&api, &job).await?;
    page.audit("job-asks").await?;
    page.key("r").await?;
    page.wait_for("article.job[data-status=completed]").await?;
    page.agrees(&api, &job).await?;

    map_leads_to_rows(&page).await?;
    page.goto(&format!("{}/jobs/{job}", api.base())).await?;
    rows_are_opened_and_retried(&page, &upstream, &job).await?;
    api.job_when(&job, "the row done again", SOON, |job| job["status"] == "completed").await?;
    let again = api.get(&format!("/jobs/{job}/rows?outcome=added&q={}", handle("keyed", 29))).await?;
    ensure!(again.body["rows"][0]["row"] == 29, "row 29 was retried and added: {again:?}");
    Ok(())
}

async fn map_leads_to_rows(page: &Page) -> Result<()> {
    page.tab_to(".map a").await?;
    page.key("ArrowRight").await?;
    page.key("Enter").await?;
    page.wait_at("/rows?from=").await
}

async fn rows_are_opened_and_retried(page: &Page, upstream: &Upstream, job: &str) -> Result<()> {
    page.enter(".counts a.failed").await?;
    page.wait_at(&format!("/jobs/{job}/rows?outcome=failed")).await?;
    page.enter("table.rows a[data-row='29']").await?;
    page.wait_for("dialog#drawer[open]").await?;
    page.wait_text("#row-title", |text| text == "Row 29").await?;
    page.audit("row-drawer").await?;
    page.key("Escape").await?;
    let back = "return document.activeElement.dataset.row ?? document.activeElement.tagName";
    ensure!(page.ask(back).await? == "29", "the focus is on {}", page.ask(back).await?);
    upstream.follow(onward_testkit::Script::default());
    page.tab_to("input[name=rows][value='29']").await?;
    page.key("Space").await?;
    page.wait_text("button[value=chosen]", |text| text.contains("Retry 1 row")).await?;
    page.enter("button[value=chosen]").await?;
    page.toast("1 row is tried again").await
}
