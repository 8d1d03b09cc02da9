//! A file is compared with a job and attached: chosen once, by keyboard alone, and without scripts.

use std::fs;

use anyhow::{Result, ensure};
use onward_testkit::jobs::handle;
use onward_testkit::{Api, CreatorsJob, Home, Upstream};
use serde_json::json;

use crate::page::{Page, SOON};
use crate::{BINARY, left_out};

const ROWS: u64 = 60;
/// The button that attaches what was compared.
const ATTACH: &str = "#difference form[action*='compared='] button";

/// The file of a job as somebody has edited it: a row less, a few changed, two more.
fn edited(job: &CreatorsJob) -> String {
    let mut lines: Vec<String> = job.csv.lines().map(str::to_owned).collect();
    lines.remove(7);
    for line in &mut lines[20..24] {
        line.push_str(" (edited)");
    }
    lines.extend([
        format!("{},instagram,new", handle("fresh", 1)),
        format!("{},instagram,new", handle("fresh", 2)),
    ]);
    lines.join("\n") + "\n"
}

/// A job that hangs after a few rows, and its edited file on the disk.
async fn hanging(api: &Api, page: &Page, upstream: &Upstream, tag: &str) -> Result<String> {
    let truth = CreatorsJob::mixed(tag, ROWS, &upstream.url());
    let job = api.submit(&truth).await?;
    fs::write(page.folder().join(&truth.filename), edited(&truth))?;
    Ok(job)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_compared_and_attached_by_keyboard_alone_and_chosen_once() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let home = Home::new(BINARY)?;
    let upstream = Upstream::start(CreatorsJob::mixed_script("edited", ROWS))?;
    upstream.hold();
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let page = Page::open(&format!("{}/", api.base())).await?;
    let job = hanging(&api, &page, &upstream, "edited").await?;
    api.job_when(&job, "it to run", SOON, |job| job["status"] == "running").await?;
    page.goto(&format!("{}/jobs/{job}", api.base())).await?;
    page.enter("a[href$='/attach']").await?;
    page.wait_at(&format!("/jobs/{job}/attach")).await?;
    page.tab_to("#file").await?;
    // What the browser's own window for files would do.
    page.choose_file("#file", &page.folder().join("edited.csv")).await?;
    page.enter("form[action$='dry_run=true'] button").await?;
    page.wait_at("/attach?compared=").await?;
    page.wait_text("#differs", |text| text == "How edited.csv differs").await?;
    ensure!(!page.shows(ATTACH).await?, "a job at work takes no file");
    page.audit("attach-running").await?;
    page.enter("#difference form[action$='/pause'] button").await?;
    page.wait_for(ATTACH).await?;
    ensure!(api.job(&job).await?["total_items"] == ROWS, "nothing is changed by comparing");
    page.audit("attach-compared").await?;
    page.enter(ATTACH).await?;
    page.wait_at(&format!("/jobs/{job}")).await?;
    page.toast("File attached").await?;
    let told = api.job(&job).await?;
    ensure!(told["total_items"] == ROWS + 1 && told["input"]["filename"] == "edited.csv", "{told}");
    page.agrees(&api, &job).await?;

    // What was kept belongs to another job.
    let other = hanging(&api, &page, &upstream, "other").await?;
    page.goto(&format!("{}/jobs/{other}/attach?compared={other}", api.base())).await?;
    page.wait_text("[role=alert] h2", |text| text == "The compared file is no longer kept").await?;
    page.audit("attach-expired").await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_a_file_is_compared_and_attached_and_chosen_once() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let home = Home::new(BINARY)?;
    let upstream = Upstream::start(CreatorsJob::mixed_script("still", ROWS))?;
    upstream.hold();
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let page = Page::open(&format!("{}/", api.base())).await?;
    page.command("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await?;
    let job = hanging(&api, &page, &upstream, "still").await?;
    api.job_when(&job, "it to run", SOON, |job| job["status"] == "running").await?;
    page.goto(&format!("{}/jobs/{job}/attach", api.base())).await?;
    page.choose_file("#file", &page.folder().join("still.csv")).await?;
    page.press("form[action$='dry_run=true'] button").await?;
    page.press("#difference form[action$='/pause'] button").await?;
    page.press(ATTACH).await?;
    page.wait_for("article.job").await?;
    page.wait_at(&format!("/jobs/{job}")).await?;
    ensure!(api.job(&job).await?["total_items"] == ROWS + 1);
    Ok(())
}
