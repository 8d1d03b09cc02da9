//! What the buttons do to a real process whose upstream hangs, and to a job stopped half-way.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use onward_testkit::api::Answer;
use onward_testkit::upstream::{Behaviour, Reply};
use onward_testkit::{Api, CreatorsJob, Evidence, Home, Ledger, Process, Script, Upstream, now, until};
use serde_json::{Value, json};

use crate::{BINARY, DONE_WITHIN};

/// Rows of a job.
const ROWS: u64 = 313;
/// Calls in flight.
const IN_FLIGHT: usize = 8;
/// Clients that press Resume at once.
const CLIENTS: usize = 64;

async fn server(home: &Home) -> Result<(Process, Api)> {
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    Ok((server, api))
}

#[tokio::test(flavor = "multi_thread")]
async fn restart_and_force_cancel_answer_within_a_second_while_every_call_hangs() -> Result<()> {
    let home = Home::new(BINARY)?;
    let upstream = Upstream::start(Script::default())?;
    upstream.hold();
    let (_server, api) = server(&home).await?;
    let job = api.submit(&CreatorsJob::plain("hang", ROWS, &upstream.url())).await?;
    until("eight calls in flight", DONE_WITHIN, async || Ok((upstream.open() == IN_FLIGHT).then_some(())))
        .await
        .with_context(|| home.log_tail())?;

    let asked = now();
    let restarted = api.post(&format!("/jobs/{job}/restart"), &json!({ "force": true })).await?;
    let waited = asked.elapsed();
    ensure!(restarted.status == 202 && waited < Duration::from_secs(1), "{waited:?} {restarted:?}");
    ensure!(restarted.body["message"] == "Job restarted successfully", "{restarted:?}");
    until("the calls once more", DONE_WITHIN, async || Ok((upstream.count() >= 2 * IN_FLIGHT).then_some(())))
        .await?;

    let asked = now();
    let cancelled = api.act(&job, "force-cancel").await?;
    let waited = asked.elapsed();
    ensure!(cancelled.status == 200 && waited < Duration::from_secs(1), "{waited:?} {cancelled:?}");
    ensure!(cancelled.body["message"] == "Job cancelled", "{cancelled:?}");
    until("every call to be given up", DONE_WITHIN, async || Ok((upstream.open() == 0).then_some(())))
        .await?;
    let look = Ledger::open(&home.database())?.look(&job)?;
    ensure!(look.rows.is_empty() && look.counters.status == "cancelled", "{look:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_resumes_at_once_one_wins_and_the_job_goes_on_at_the_exact_row() -> Result<()> {
    let home = Home::new(BINARY)?;
    let upstream = Upstream::start(Script::default().latency(Duration::from_millis(15)))?;
    let truth = CreatorsJob::plain("resume", ROWS, &upstream.url());
    let (_server, api) = server(&home).await?;
    let job = api.submit(&truth).await?;
    until("some calls", DONE_WITHIN, async || Ok((upstream.count() > 60).then_some(()))).await?;
    let cancelled = api.act(&job, "force-cancel").await?;
    ensure!(cancelled.status == 200, "{cancelled:?}");
    let stopped = Ledger::open(&home.database())?.look(&job)?;
    let row = first_missing(&stopped.rows.iter().map(|row| row.row).collect::<Vec<_>>());
    ensure!(api.job(&job).await?["resume_from_row"] == json!(row), "row {row} of {:?}", api.job(&job).await?);

    let mut won = Vec::new();
    for answer in pressed(&api, &job, "resume", CLIENTS).await? {
        match answer.status {
            202 => won.push(answer.body),
            409 => ensure!(answer.body["code"] == "job-already-running", "{answer:?}"),
            _ => anyhow::bail!("{answer:?}"),
        }
    }
    ensure!(won.len() == 1, "{} of {CLIENTS} resumes won", won.len());
    ensure!(
        won[0]["message"] == "Job resumed successfully" && won[0]["resumed_from_row"] == json!(row),
        "{won:?}"
    );

    let done = |job: &Value| job["status"] == "completed";
    let shown = api.job_when(&job, "the job to be completed", DONE_WITHIN, done).await?;
    let last = Ledger::open(&home.database())?.look(&job)?;
    let export = api.text(&format!("/jobs/{job}/export?format=csv")).await?;
    let evidence = Evidence {
        expected: &truth.expected,
        looks: &[stopped, last],
        shown: &[shown],
        calls: &upstream.calls(),
        export: &export,
        crashes: 1, // the cancel took the calls in flight away, as a crash would
    };
    let problems = evidence.problems();
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    Ok(())
}

/// The answers to one button that so many clients press at once.
async fn pressed(api: &Api, job: &str, action: &'static str, clients: usize) -> Result<Vec<Answer>> {
    let press = || {
        let (api, job) = (api.clone(), job.to_owned());
        tokio::spawn(async move { api.act(&job, action).await })
    };
    let presses: Vec<_> = (0..clients).map(|_| press()).collect();
    let mut answers = Vec::with_capacity(clients);
    for press in presses {
        answers.push(press.await??);
    }
    Ok(answers)
}

/// The first row (from 1) that is not in an ascending list.
fn first_missing(rows: &[u64]) -> u64 {
    (1..).find(|row| rows.binary_search(row).is_err()).unwrap_or(u64::MAX)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_with_which_statuses_the_target_answered_every_call() -> Result<()> {
    let home = Home::new(BINARY)?;
    let row = |row| onward_testkit::jobs::handle("status", row);
    let script = Script::default()
        .handle(row(5), Behaviour::reply(Reply::ServerError { times: 2 }))
        .handle(row(6), Behaviour::reply(Reply::Forbidden));
    let upstream = Upstream::start(script)?;
    let (_server, api) = server(&home).await?;
    let job = api.submit(&CreatorsJob::plain("status", 20, &upstream.url())).await?;
    api.job_when(&job, "its end", DONE_WITHIN, |job| job["status"] == "completed").await?;
    let page = until("the statuses", DONE_WITHIN, async || {
        let page = api.page(&format!("/jobs/{job}")).await?;
        Ok(Some(page).filter(|page| page.contains("What the target answered")))
    })
    .await?;
    let row = |name: &str, calls: u32| format!("<th scope=\"row\">{name}</th><td class=\"num\">{calls}</td>");
    for (name, calls) in [("200 OK", 19), ("500 Internal Server Error", 2), ("403 Forbidden", 1)] {
        ensure!(page.contains(&row(name, calls)), "not {calls} of {name}: {page}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_16_restarts_of_a_stuck_job_at_once_one_wins() -> Result<()> {
    let home = Home::new(BINARY)?;
    let upstream = Upstream::start(Script::default())?;
    upstream.hold();
    let (_server, api) = server(&home).await?;
    let truth = CreatorsJob::plain("pressed", 40, &upstream.url()).with_work("stuck_after = \"1s\"");
    let job = api.submit(&truth).await?;
    api.job_when(&job, "being stuck", DONE_WITHIN, |job| !job["stuck"].is_null()).await?;
    let mut won = 0;
    for answer in pressed(&api, &job, "restart", 16).await? {
        match (answer.status, answer.body["code"].as_str()) {
            (202, _) => won += 1,
            (409, Some("job-not-stuck")) => {}
            _ => anyhow::bail!("{answer:?}"),
        }
    }
    ensure!(won == 1, "{won} of 16 restarts won");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_stored_file_is_lost_says_so_and_goes_on_when_the_same_file_is_attached() -> Result<()> {
    let home = Home::new(BINARY)?;
    let upstream = Upstream::start(Script::default().latency(Duration::from_millis(15)))?;
    let truth = CreatorsJob::plain("lost", ROWS, &upstream.url());
    let (_server, api) = server(&home).await?;
    let job = api.submit(&truth).await?;
    until("some calls", DONE_WITHIN, async || Ok((upstream.count() > 60).then_some(()))).await?;
    ensure!(api.act(&job, "force-cancel").await?.status == 200, "it can be cancelled");
    rusqlite::Connection::open(home.database())?.execute("DELETE FROM chunks", [])?;
    for (what, answer) in [
        ("resume", api.act(&job, "resume").await?),
        ("export", api.get(&format!("/jobs/{job}/export")).await?),
    ] {
        ensure!(answer.status == 410 && answer.body["code"] == "input-gone", "{what}: {answer:?}");
        let detail = answer.body["detail"].as_str().unwrap_or_default();
        ensure!(detail.contains("attach the same file"), "{what}: {detail}");
    }
    let put = onward_testkit::api::client().build()?.put(format!("{}/api/v1/jobs/{job}/input", api.base()));
    let attached = put.header("content-type", "text/csv").body(truth.csv.clone()).send().await?;
    let (status, said) = (attached.status(), attached.text().await?);
    ensure!(status == 200, "{status}: {said}");
    let resumed = api.act(&job, "resume").await?;
    ensure!(resumed.status == 202, "{resumed:?}");
    let done = api.job_when(&job, "its end", DONE_WITHIN, |job| job["status"] == "completed").await?;
    ensure!(done["results"]["added"] == ROWS, "{done}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_with_fewer_rows_than_the_breaker_needs_ends_with_its_failures() -> Result<()> {
    let home = Home::new(BINARY)?;
    let failing = Behaviour::reply(Reply::ServerError { times: u32::MAX });
    let script = (1..=3).fold(Script::default(), |script, row| {
        script.handle(onward_testkit::jobs::handle("few", row), failing)
    });
    let upstream = Upstream::start(script)?;
    let (_server, api) = server(&home).await?;
    let job = api.submit(&CreatorsJob::plain("few", 3, &upstream.url())).await?;
    let ended = api.job_when(&job, "its end", DONE_WITHIN, |job| {
        job["status"] != "running" && job["status"] != "queued"
    });
    let ended = ended.await?;
    ensure!(ended["status"] == "completed" && ended["results"]["failed"] == 3, "{ended}");
    Ok(())
}
