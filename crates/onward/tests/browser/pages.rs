//! Every page: audited, photographed, weighed, with a title of its own, and helpful when it is empty.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use onward_testkit::{Api, CreatorsJob, Home, Upstream};
use serde_json::json;

use crate::page::{Page, SOON};
use crate::{BINARY, left_out};

const ROWS: u64 = 313;
/// What the main page may weigh in all, compressed.
const MAIN_BYTES: u64 = 30_000;
/// What any other page may weigh.
const PAGE_BYTES: u64 = 60_000;

/// Goes to a page, weighs and audits it.
#[expect(clippy::print_stdout, reason = "the weights are figures to look at")]
async fn visit(page: &Page, api: &Api, state: &str, path: &str, title: &str) -> Result<()> {
    page.goto(&format!("{}{path}", api.base())).await?;
    let told = page.ask("return document.title").await?;
    ensure!(told == format!("{title} – Onward"), "{path} is called {told}");
    let most = if path == "/" { MAIN_BYTES } else { PAGE_BYTES };
    let bytes = page.weight().await?;
    println!("{state}: {bytes} of {most} bytes");
    ensure!((1..=most).contains(&bytes), "{path} weighs {bytes} bytes");
    page.audit(state).await
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_pages_say_what_to_do() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let home = Home::new(BINARY)?;
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let page = Page::open("about:blank").await?;
    for (state, path, title, helps) in [
        ("empty-creators", "/creators", "Creators", "a[href='/jobs/new']"),
        ("empty-wall", "/wall", "Wall", "a[href='/']"),
        ("health", "/health", "Health", "form[action$='/drain'] button"),
        ("settings", "/settings", "Settings", "main h1"),
        ("problems", "/problems", "Problems", "main a"),
        ("docs", "/docs", "API", "main a"),
    ] {
        visit(&page, &api, state, path, title).await?;
        ensure!(
            page.shows(&format!("main {}", helps.trim_start_matches("main "))).await?,
            "{path} helps nobody"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_finished_job_are_light_and_accessible() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let home = Home::new(BINARY)?;
    let upstream = Upstream::start(CreatorsJob::mixed_script("done", ROWS))?;
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let job = api.submit(&CreatorsJob::mixed("done", ROWS, &upstream.url())).await?;
    api.job_when(&job, "its end", SOON, |job| job["status"] == "completed").await?;
    let page = Page::open("about:blank").await?;
    let of = |rest: &str| format!("/jobs/{job}{rest}");
    for (state, path, title) in [
        ("main", "/".to_owned(), "Jobs"),
        ("main-nothing-found", "/?q=nothing".to_owned(), "Jobs"),
        ("job-verified", of("?verify=1"), "100 % done.csv"),
        ("rows", of("/rows"), "Rows of done.csv"),
        ("rows-failed", of("/rows?outcome=failed"), "Rows of done.csv"),
        ("rows-nothing-found", of("/rows?q=nobody"), "Rows of done.csv"),
        ("row", of("/rows/29"), "Row 29 of done.csv"),
        ("errors", of("/errors"), "Errors of done.csv"),
        ("attach", of("/attach"), "Attach a file to done.csv"),
        ("creators", "/creators".to_owned(), "Creators"),
        ("not-found", "/jobs/01990000-0000-7000-8000-000000000000".to_owned(), "There is no such job"),
    ] {
        visit(&page, &api, state, &path, title).await?;
    }
    page.goto(&format!("{}/creators", api.base())).await?;
    page.key("/").await?;
    page.write("done.0007").await?;
    page.key("Enter").await?;
    page.wait_at("/creators?q=done.0007").await?;
    ensure!(page.ask("return document.querySelectorAll('table.rows tbody tr').length").await? == 1);
    page.enter("table.rows td a").await?;
    page.wait_at(&of("/rows/7")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wall_follows_what_runs_and_a_worker_is_drained_from_the_health_page() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let home = Home::new(BINARY)?;
    let upstream =
        Upstream::start(CreatorsJob::mixed_script("wall", ROWS).latency(Duration::from_millis(60)))?;
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let page = Page::open(&format!("{}/wall", api.base())).await?;
    page.wait_for("#conn[data-state=live]").await?;
    let job = api.submit(&CreatorsJob::mixed("wall", ROWS, &upstream.url())).await?;
    let card = format!(".wall article.job[data-job='{job}']");
    page.wait_for(&card).await?;
    api.job_when(&job, "forty rows", SOON, |job| job["processed_items"].as_u64() > Some(40)).await?;
    upstream.hold();
    page.agrees(&api, &job).await?;
    page.wait_true("the title", "return document.title.endsWith('% wall.csv – Onward')").await?;
    page.audit("wall").await?;
    ensure!(api.act(&job, "force-cancel").await?.status == 200);
    page.wait_true(
        "the wall to be empty",
        "return !document.querySelector('.wall article') && !!document.querySelector('.empty')",
    )
    .await?;

    page.goto(&format!("{}/health", api.base())).await?;
    page.enter("form[action$='/drain'] button").await?;
    page.toast("The worker stops after the rows in hand").await?;
    // One that holds nothing ends at once, so it may be gone already.
    let workers = api.get("/workers").await?;
    let known = workers.body["workers"].as_array().context("a list")?;
    ensure!(known.iter().all(|worker| worker["status"] == "draining"), "{workers:?}");
    upstream.release();
    ensure!(api.act(&job, "resume").await?.status == 202);
    let waiting = api.job(&job).await?;
    ensure!(waiting["processed_items"].as_u64() < Some(ROWS) && waiting["workers"] == json!([]), "{waiting}");
    page.audit("health-drained").await
}
