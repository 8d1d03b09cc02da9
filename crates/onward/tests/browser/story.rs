//! What happens to a job, seen from the page.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use onward_testkit::jobs::handle;
use onward_testkit::postgres::Disk;
use onward_testkit::upstream::{Behaviour, Reply};
use onward_testkit::{
    Api, Certificates, CreatorsJob, Home, Hosts, Postgres, Process, Redis, Script, Upstream, until,
};
use serde_json::Value;

use crate::page::{Page, SOON};
use crate::{BINARY, address, left_out};

/// Rows of a job, as in the story this project began with.
const ROWS: u64 = 313;
/// The whole job at this pace takes some seconds: time to see it move.
const LATENCY: Duration = Duration::from_millis(150);
/// Colours of the buttons, as the design gives them.
const GREEN: &str = "rgb(21, 128, 61)";
const YELLOW: &str = "rgb(250, 204, 21)";
const RED: &str = "rgb(185, 28, 28)";

/// Processed rows in `228/313 with 11 failed`.
fn processed(sentence: &str) -> u64 {
    sentence.split('/').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn card(job: &str, within: &str) -> String {
    format!("article.job[data-job='{job}']{within}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_cancelled_resumed_at_its_row_survives_the_server_and_ends_with_every_row() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let upstream = Upstream::start(CreatorsJob::mixed_script("anna", ROWS).latency(LATENCY))?;
    let home = Home::new(BINARY)?;
    let (page, api, _server) = story(&home, &[], &upstream, Audits::Every).await?;
    page.goto(&format!("{}/jobs/new", api.base())).await?;
    page.audit("new-job").await
}

/// The same on PostgreSQL over TLS and Redis, with the work done by a worker on another machine: with an
/// address of its own where that is allowed.
#[test]
fn the_same_story_is_told_of_a_job_that_another_machine_works_on() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    Hosts::beside(1, elsewhere)
}

async fn elsewhere(hosts: Option<Hosts>) -> Result<()> {
    let here = hosts.as_ref().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), Hosts::here);
    let (certificates, postgres) =
        (Certificates::of(&here.to_string())?, Postgres::start_at(Disk::Quick, Some(here))?);
    postgres.speak_tls(&certificates)?;
    let redis = Redis::start_at(here)?;
    let upstream = Upstream::start_at(here, CreatorsJob::mixed_script("anna", ROWS).latency(LATENCY))?;
    let root = certificates.root();
    let store = format!(
        "postgres://postgres@{here}:{}/postgres?sslmode=verify-full&sslrootcert={}",
        postgres.port(),
        root.display()
    );
    let hot = format!("redis://{here}:{}/0", redis.port());
    let home = Home::sharing(BINARY, &store, Some(&hot))?;
    let mut far = Home::sharing(BINARY, &store, Some(&hot))?;
    if let Some(hosts) = &hosts {
        far = far.on(hosts.host(0)?);
    }
    let _worker = far.start(&["worker"])?;
    let told = story(&home, &["--no-work"], &upstream, Audits::None).await;
    let (page, _api, _server) = told.with_context(|| far.log_tail())?;
    // Redis may be late once on a busy machine; the page then names the database alone.
    until("a page that names Redis too", SOON, async || {
        page.reload().await?;
        let place = page.text("#resume-point").await?;
        ensure!(place.contains("in Postgres and Redis"), "it says `{place}`");
        Ok(Some(()))
    })
    .await
}

/// Whether the page is audited and photographed at every step: once is enough.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Audits {
    Every,
    None,
}

impl Audits {
    async fn of(self, page: &Page, state: &str) -> Result<()> {
        match self {
            Self::Every => page.audit(state).await,
            Self::None => Ok(()),
        }
    }
}

/// A job from an empty page to its last row; ends on the page of the job.
async fn story(
    home: &Home,
    serve: &[&str],
    upstream: &Upstream,
    audits: Audits,
) -> Result<(Page, Api, Process)> {
    let address = address()?;
    let mut server = home.serve_at(&address, serve)?;
    let api = home.ready(&mut server).await?;
    let page = Page::open(&format!("{}/", api.base())).await?;
    let audit = async |state: &str| audits.of(&page, state).await;
    audit("empty").await?;

    let job = api.submit(&CreatorsJob::mixed("anna", ROWS, &upstream.url())).await?;
    page.goto(&format!("{}/", api.base())).await?;
    let progress = card(&job, " [data-bind=progress]");
    let first = page.wait_text(&progress, |text| processed(text) > 5).await?;
    page.wait_text(&progress, |text| processed(text) > processed(&first)).await?;
    upstream.hold();
    for (button, colour) in [("restart", YELLOW), ("force-cancel", RED)] {
        let button = card(&job, &format!(" button[data-action={button}]"));
        page.wait_for(&button).await?;
        ensure!(page.colour(&button).await? == colour, "{button} is {}", page.colour(&button).await?);
    }
    audit("running").await?;

    let row = cancelled_by_dialog(&page, &job, audits).await?;
    let seen = api.job(&job).await?;
    ensure!(seen["status"] == "cancelled" && seen["resume_from_row"] == row, "row {row}: {seen}");
    audit("cancelled").await?;

    upstream.release();
    let resume = card(&job, " button[data-action=resume]");
    let label = page.text(&resume).await?;
    ensure!(label.contains(&format!("Resume from row {row}")), "{label}");
    ensure!(page.colour(&resume).await? == GREEN, "{}", page.colour(&resume).await?);
    page.press(&resume).await?;
    page.toast("Job resumed successfully").await?;
    page.wait_text(&progress, |text| processed(text) > row).await?;

    server.kill()?;
    page.wait_text("#conn", |text| !text.contains("Live")).await?;
    let mut server = home.serve_at(&address, serve)?;
    let api = home.ready(&mut server).await?;
    page.wait_text("#conn", |text| text.contains("Live")).await?;
    let end = page.wait_text(&progress, |text| processed(text) == ROWS).await?;
    ensure!(end == "313/313 with 10 failed", "{end}");
    page.wait_for(&card(&job, "[data-status=completed]")).await?;
    ensure!(
        page.ask(&buttons(&job)).await? == serde_json::json!(["details"]),
        "a completed job only shows details"
    );
    audit("completed").await?;
    page.goto(&format!("{}/jobs/{job}", api.base())).await?;
    page.wait_for("article.job").await?;
    audit("job-page").await?;
    Ok((page, api, server))
}

/// What can be pressed on the card, in order.
fn buttons(job: &str) -> String {
    let acts = card(job, " .acts [data-action]");
    format!("return [...document.querySelectorAll({})].map((act) => act.dataset.action)", Value::from(acts))
}

/// Presses Cancel, reads the question, says yes; gives the row the card then offers to resume from.
async fn cancelled_by_dialog(page: &Page, job: &str, audits: Audits) -> Result<u64> {
    page.press(&card(job, " button[data-action=force-cancel]")).await?;
    page.wait_for("dialog#confirm[open]").await?;
    let question = page.text("dialog#confirm").await?;
    ensure!(question.contains("you can resume from row"), "{question}");
    audits.of(page, "cancel-question").await?;
    let focused = page.ask("return document.activeElement.id").await?;
    ensure!(focused == "confirm-no", "the focus is on {focused}, not on the safe button");
    page.press("#confirm-yes").await?;
    page.toast("Job cancelled").await?;
    page.wait_for(&card(job, "[data-status=cancelled] button[data-action=resume]")).await?;
    let label = page.text(&card(job, " button[data-action=resume] .label")).await?;
    let row = label.rsplit(' ').next().and_then(|row| row.parse().ok());
    row.with_context(|| format!("`{label}` names no row"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hung_job_is_called_stuck_with_a_yellow_restart_that_makes_it_go_on() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let home = Home::new(BINARY)?;
    let hang = Behaviour::reply(Reply::Hang);
    let upstream = Upstream::start(Script::default().handle(handle("hung", 7), hang))?;
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let truth = CreatorsJob::plain("hung", 40, &upstream.url()).with_work("stuck_after = \"2s\"");
    let job = api.submit(&truth).await?;
    let page = Page::open(&format!("{}/", api.base())).await?;
    page.wait_for(&card(&job, "[data-stuck=row-hanging]")).await?;
    let actions = page.ask(&buttons(&job)).await?;
    ensure!(actions == serde_json::json!(["restart", "force-cancel", "details"]), "{actions}");
    let restart = card(&job, " button[data-action=restart]");
    ensure!(page.colour(&restart).await? == YELLOW, "{}", page.colour(&restart).await?);
    page.audit("stuck").await?;

    upstream.follow(Script::default());
    page.press(&restart).await?;
    page.toast("Job restarted successfully").await?;
    page.wait_for(&card(&job, "[data-status=completed]")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_says_why_and_offers_resume() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let home = Home::new(BINARY)?;
    let upstream = Upstream::start(CreatorsJob::mixed_script("stopped", ROWS).latency(LATENCY))?;
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let truth = CreatorsJob::mixed("stopped", ROWS, &upstream.url()).with_table("[stop]\nfailed_rows = 3\n");
    let job = api.submit(&truth).await?;
    let page = Page::open(&format!("{}/", api.base())).await?;
    page.wait_for(&card(&job, "[data-status=failed] button[data-action=resume]")).await?;
    let actions = page.ask(&buttons(&job)).await?;
    ensure!(actions == serde_json::json!(["resume", "details"]), "{actions}");
    page.audit("failed").await
}
