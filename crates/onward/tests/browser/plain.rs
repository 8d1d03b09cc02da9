//! The pages with scripts switched off: what is a form stays a form.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use onward_testkit::{CreatorsJob, Home, Upstream, until};
use serde_json::json;

use crate::page::{Page, SOON};
use crate::{BINARY, left_out};

const ROWS: u64 = 40;

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_a_job_is_made_cancelled_resumed_and_downloaded() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let home = Home::new(BINARY)?;
    // So slow that rows are left when the test has seen the first ones, however busy the machine is.
    let upstream = Upstream::start(CreatorsJob::mixed_script("plain", ROWS).latency(Duration::from_secs(1)))?;
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let page = Page::open(&format!("{}/", api.base())).await?;
    page.command("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await?;
    let downloads = page.folder().join("downloads");
    let allowed = json!({ "behavior": "allow", "downloadPath": downloads });
    page.command("Browser.setDownloadBehavior", allowed).await?;

    let truth = CreatorsJob::mixed("plain", ROWS, &upstream.url());
    let file = page.folder().join(&truth.filename);
    fs::write(&file, &truth.csv)?;
    page.goto(&format!("{}/jobs/new", api.base())).await?;
    page.photograph("plain-new-job", 1280, "light").await?;
    page.choose_file("#file", &file).await?;
    page.press("#recipe").await?;
    page.write_over(&truth.recipe).await?;
    page.press(".start button[type=submit]").await?;
    page.wait_for("article.job").await?;
    let job = page.ask("return document.querySelector('article.job').dataset.job").await?;
    let job = job.as_str().context("an id")?;
    api.job_when(job, "five rows", SOON, |job| job["processed_items"].as_u64() > Some(5)).await?;
    upstream.hold();
    page.press("button[data-action=force-cancel]").await?;
    page.wait_text("h1", |text| text.contains("Cancel this job?")).await?;
    page.photograph("plain-cancel", 1280, "light").await?;
    page.press("main form[method=post] button").await?;
    page.toast("Job cancelled").await?;
    page.photograph("plain-job", 1280, "light").await?;
    upstream.release();
    page.press("button[data-action=resume]").await?;
    page.toast("Job resumed successfully").await?;
    api.job_when(job, "its end", SOON, |job| job["status"] == "completed").await?;
    page.reload().await?;
    page.agrees(&api, job).await?;

    page.press("#downloads a[href$='/export']").await?;
    // Chromium takes the file's name, with nothing in it, before the first byte is there.
    until("the download: a header and every row", SOON, async || {
        let found = fs::read_dir(&downloads)?.filter_map(Result::ok);
        let named =
            found.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|kind| kind == "csv"));
        let text = fs::read_to_string(named.context("no file yet")?)?;
        let lines = text.lines().count() as u64;
        ensure!(lines == ROWS + 1, "the file has {lines} lines, not {}", ROWS + 1);
        Ok(Some(()))
    })
    .await?;
    Ok(())
}
