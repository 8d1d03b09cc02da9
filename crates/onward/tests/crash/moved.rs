//! A half-done job moves to another store and goes on there at the exact row.

use anyhow::{Context, Result, ensure};
use onward_testkit::postgres::{Disk, left_out};
use onward_testkit::{CreatorsJob, Evidence, Home, Ledger, Postgres, Script, Upstream, until};
use serde_json::{Value, json};

use crate::{BINARY, DONE_WITHIN};

/// Rows of a job, as in the story this project began with.
const ROWS: u64 = 313;
/// Calls after which the job is stopped, more or less.
const HALF: usize = 220;

/// Runs `onward move` to its end and answers its exit code.
async fn move_all(home: &Home, from: &str, to: &str) -> Result<Option<i32>> {
    let mut moving = home.start(&["move", "--from", from, "--to", to])?;
    let ended = until("the move to end", DONE_WITHIN, || {
        let ended = moving.ended();
        async move { ended }
    });
    Ok(ended.await?.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_done_job_moves_to_another_store_and_goes_on_at_the_next_row() -> Result<()> {
    let (here, there) = (Home::new(BINARY)?, Home::new(BINARY)?);
    let upstream = Upstream::start(CreatorsJob::mixed_script("move", ROWS))?;
    let truth = CreatorsJob::mixed("move", ROWS, &upstream.url());
    let finished = CreatorsJob::plain("whole", 20, &upstream.url());
    let from = format!("sqlite:{}", here.database().display());
    let to = format!("sqlite:{}", there.database().display());
    let done = |job: &Value| job["status"] == "completed";

    let mut server = here.serve(&[])?;
    let api = here.ready(&mut server).await?;
    let whole = api.submit(&finished).await?;
    api.job_when(&whole, "the small job to be completed", DONE_WITHIN, done).await?;
    let before = upstream.count();
    let job = api.submit(&truth).await?;
    until("most of the calls", DONE_WITHIN, async || Ok((upstream.count() > before + HALF).then_some(())))
        .await?;
    ensure!(move_all(&here, &from, &to).await? == Some(6), "a store somebody serves was left");
    server.stop().await?;
    let left = Ledger::open(&here.database())?.look(&job)?;
    ensure!(left.counters.processed < ROWS && left.counters.status == "running", "{:?}", left.counters);

    for again in 0..2 {
        let code = move_all(&here, &from, &to).await?;
        ensure!(code == Some(0), "move {again} ended with {code:?}; {}", here.log_tail());
    }
    let closed = Ledger::open(&here.database())?.look(&job)?;
    ensure!(closed.counters.status == "cancelled" && closed.rows == left.rows, "{:?}", closed.counters);
    let moved = Ledger::open(&there.database())?.look(&job)?;
    ensure!(moved.rows == left.rows && moved.counters == left.counters, "{:?}", moved.counters);

    let mut server = there.serve(&[])?;
    let api = there.ready(&mut server).await.with_context(|| there.log_tail())?;
    let shown = api.job_when(&job, "the moved job to be completed", DONE_WITHIN, done).await?;
    ensure!(api.job(&whole).await?["processed_items"] == json!(20));
    let kinds: Vec<Value> =
        api.timeline(&job).await?.into_iter().map(|mut event| event["kind"].take()).collect();
    ensure!(
        kinds.first() == Some(&json!("created")) && kinds.last() == Some(&json!("completed")),
        "{kinds:?}"
    );
    let creators = api.get("/creators?limit=1").await?.body;
    ensure!(creators["creators"].as_array().is_some_and(|all| !all.is_empty()), "{creators}");
    let calls =
        upstream.calls().into_iter().filter(|call| call.handle.starts_with("move.")).collect::<Vec<_>>();
    let evidence = Evidence {
        expected: &truth.expected,
        looks: &[left, moved, Ledger::open(&there.database())?.look(&job)?],
        shown: &[shown],
        calls: &calls,
        export: &api.text(&format!("/jobs/{job}/export?format=csv")).await?,
        crashes: 0, // the server finished what it had begun, and nothing was begun twice
    };
    let problems = evidence.problems();
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    Ok(())
}

/// The job that this project began with, on its way from a file to PostgreSQL.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_at_228_goes_on_at_229_in_postgres() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let postgres = Postgres::start(Disk::Quick)?;
    let here = Home::new(BINARY)?;
    let there = Home::sharing(BINARY, &postgres.url(), None)?;
    let upstream = Upstream::start(Script::default())?;
    let truth = CreatorsJob::plain("story", ROWS, &upstream.url());
    std::fs::write(here.path().join("story.csv"), &truth.csv)?;
    std::fs::write(here.path().join("recipe.toml"), &truth.recipe)?;

    let mut server = here.serve(&[])?;
    let api = here.ready(&mut server).await?;
    let submit = ["submit", "story.csv", "--recipe", "recipe.toml", "--first", "228", "--json"];
    let submitted: Value = serde_json::from_str(&here.run(&submit)?)?;
    let job = submitted["job_id"].as_str().context("a job")?;
    let held = |job: &Value| job["status"] == "paused";
    let before = api.job_when(job, "the first rows to be done", DONE_WITHIN, held).await?;
    ensure!(before["processed_items"] == 228 && before["resume_from_row"] == 229, "{before}");
    server.stop().await?;
    let left = Ledger::open(&here.database())?.look(job)?;

    let from = format!("sqlite:{}", here.database().display());
    for again in 0..2 {
        let code = move_all(&here, &from, &postgres.url()).await?;
        ensure!(code == Some(0), "move {again} ended with {code:?}; {}", here.log_tail());
    }
    let moved = postgres.look(job)?;
    ensure!(moved.rows == left.rows && moved.counters == left.counters, "{:?}", moved.counters);

    let mut server = there.serve(&[])?;
    let api = there.ready(&mut server).await?;
    let shown = api.job(job).await?;
    for field in ["status", "processed_items", "total_items", "results", "resume_from_row", "created_at"] {
        ensure!(shown[field] == before[field], "{field}: {before}\n{shown}");
    }
    let calls = upstream.count();
    let resumed = api.act(job, "resume").await?;
    ensure!(resumed.status == 202 && resumed.body["resumed_from_row"] == 229, "{resumed:?}");
    let done = |job: &Value| job["status"] == "completed";
    let shown = api.job_when(job, "the moved job to be completed", DONE_WITHIN, done).await?;
    let mut called: Vec<String> = upstream.calls()[calls..].iter().map(|call| call.handle.clone()).collect();
    called.sort_unstable();
    let rest: Vec<String> = truth.expected[228..].iter().map(|row| row.handle.clone()).collect();
    ensure!(called == rest, "what was called over there: {called:?}");
    let evidence = Evidence {
        expected: &truth.expected,
        looks: &[left, moved, postgres.look(job)?],
        shown: &[shown],
        calls: &upstream.calls(),
        export: &api.text(&format!("/jobs/{job}/export?format=csv")).await?,
        crashes: 0,
    };
    let problems = evidence.problems();
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    Ok(())
}
