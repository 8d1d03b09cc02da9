//! Worker processes that come and go beside a server that does no work itself.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use onward_testkit::postgres::{Disk, left_out};
use onward_testkit::{Api, CreatorsJob, Evidence, Home, Ledger, Postgres, Script, Upstream, now, until};
use serde_json::{Value, json};

use crate::{BINARY, DONE_WITHIN};

/// Four spans: enough for two workers to share.
const ROWS: u64 = 400;
/// A new worker has work within a second; the rest is for a busy machine.
pub(crate) const AT_WORK_WITHIN: Duration = Duration::from_secs(3);
/// A drained worker hears of it within a second and finishes eight calls of 50 ms.
pub(crate) const HANDED_BACK_WITHIN: Duration = Duration::from_secs(4);

/// The registered worker with this process id.
pub(crate) async fn worker(api: &Api, pid: u32) -> Result<Option<Value>> {
    let list = api.get("/workers").await?.body;
    let workers = list["workers"].as_array().context("a list of workers")?;
    Ok(workers.iter().find(|worker| worker["pid"] == json!(pid)).cloned())
}

pub(crate) async fn at_work(api: &Api, pid: u32) -> Result<Value> {
    until("the worker to hold a span", DONE_WITHIN, async || {
        let found = worker(api, pid).await?;
        Ok(found.filter(|worker| worker["spans"].as_array().is_some_and(|spans| !spans.is_empty())))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_worker_takes_work_at_once_and_a_drained_one_hands_it_back() -> Result<()> {
    let home = Home::new(BINARY)?;
    let upstream = Upstream::start(Script::default().latency(Duration::from_millis(50)))?;
    let truth = CreatorsJob::plain("share", ROWS, &upstream.url());
    let mut server = home.serve(&["--no-work"])?;
    let api = home.ready(&mut server).await?;
    let mut first = home.start(&["worker"])?;
    let job = api.submit(&truth).await?;
    let drained = at_work(&api, first.id()).await.with_context(|| home.log_tail())?;

    let second = home.start(&["worker"])?;
    until("the second worker to register", DONE_WITHIN, async || worker(&api, second.id()).await).await?;
    let registered = now();
    let helper = at_work(&api, second.id()).await.with_context(|| home.log_tail())?;
    let waited = registered.elapsed();
    ensure!(waited < AT_WORK_WITHIN, "the new worker had work after {waited:?}");
    ensure!(helper["worker_id"] != drained["worker_id"] && helper["status"] == "working", "{helper}");

    let id = drained["worker_id"].as_str().context("a worker has an id")?;
    let asked = now();
    let answer = api.post(&format!("/workers/{id}/drain"), &json!({})).await?;
    ensure!(answer.status == 202, "{answer:?}");
    until("the drained worker to leave", DONE_WITHIN, async || {
        Ok(worker(&api, first.id()).await?.is_none().then_some(()))
    })
    .await?;
    let waited = asked.elapsed();
    ensure!(waited < HANDED_BACK_WITHIN, "the drained worker left after {waited:?}");
    let ended = until("its process to end", DONE_WITHIN, || {
        let ended = first.ended();
        async move { ended }
    })
    .await?;
    ensure!(ended.success(), "it ended with {ended}");

    let done = |job: &Value| job["status"] == "completed";
    let shown = api.job_when(&job, "the job to be completed", DONE_WITHIN, done).await?;
    let evidence = Evidence {
        expected: &truth.expected,
        looks: &[Ledger::open(&home.database())?.look(&job)?],
        shown: &[shown],
        calls: &upstream.calls(),
        export: &api.text(&format!("/jobs/{job}/export?format=csv")).await?,
        crashes: 0, // nothing was repeated: the drained worker finished what it had begun
    };
    let problems = evidence.problems();
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    Ok(())
}

/// 40 calls a second for the whole job, whoever makes them.
#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_exceeded_over_no_window_with_one_worker_nor_with_three() -> Result<()> {
    let (alone, three) = tokio::join!(rate_is_kept("one", 0), rate_is_kept("three", 2));
    alone.context("one worker")?;
    three.context("three workers")
}

async fn rate_is_kept(tag: &str, more_workers: usize) -> Result<()> {
    const CALLS: usize = 210;
    const BETWEEN: Duration = Duration::from_millis(25);
    // A call may be late on its way on a busy machine, and then comes closer to the next.
    const ON_ITS_WAY: Duration = Duration::from_millis(250);
    let home = Home::new(BINARY)?;
    let upstream = Upstream::start(Script::default())?;
    let truth = CreatorsJob::plain(tag, CALLS as u64, &upstream.url()).with_work("rate = \"40/s\"");
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let _workers: Vec<_> = (0..more_workers).map(|_| home.start(&["worker"])).collect::<Result<_>>()?;
    let job = api.submit(&truth).await?;
    let done = |job: &Value| job["status"] == "completed";
    api.job_when(&job, "the job to be completed", DONE_WITHIN, done).await?;
    let mut began: Vec<_> = upstream.calls().iter().map(|call| call.began).collect();
    began.sort_unstable();
    ensure!(began.len() == CALLS, "{} calls", began.len());
    for (at, first) in began.iter().enumerate() {
        for (after, last) in (1..).zip(&began[at + 1..]) {
            let took = last.duration_since(*first);
            ensure!(took + ON_ITS_WAY >= BETWEEN * after, "{} calls within {took:?}", after + 1);
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_that_is_lifted_holds_up_no_worker_on_sqlite() -> Result<()> {
    lift_the_rate(&Home::new(BINARY)?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_that_is_lifted_holds_up_no_worker_on_postgres() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let postgres = Postgres::start(Disk::Quick)?;
    lift_the_rate(&Home::sharing(BINARY, &postgres.url(), None)?).await
}

/// Two workers keep to the recipe's rate; then it is lifted from the API of a server that does no work.
async fn lift_the_rate(home: &Home) -> Result<()> {
    let upstream = Upstream::start(Script::default())?;
    let truth = CreatorsJob::plain("lift", ROWS, &upstream.url()).with_work("rate = \"1/hour\"");
    let mut server = home.serve(&["--no-work"])?;
    let api = home.ready(&mut server).await?;
    let workers = [home.start(&["worker"])?, home.start(&["worker"])?];
    let job = api.submit(&truth).await?;
    until("the first call", DONE_WITHIN, async || Ok((upstream.count() > 0).then_some(()))).await?;
    for worker in &workers {
        at_work(&api, worker.id()).await.with_context(|| home.log_tail())?;
    }
    let before = upstream.count();
    ensure!(before == 1, "{before} calls at a rate of one an hour");
    let path = format!("/jobs/{job}");
    let named = api.patch(&path, &json!({"name": "Lift"})).await?;
    ensure!(named.body["rate"] == "1/hour", "a rate that is not named stays: {named:?}");
    let asked = now();
    let lifted = api.patch(&path, &json!({"rate": null})).await?;
    ensure!(lifted.status == 200 && lifted.body["rate"].is_null(), "{lifted:?}");
    until("the next call", DONE_WITHIN, async || Ok((upstream.count() > 1).then_some(()))).await?;
    let waited = asked.elapsed();
    ensure!(waited < AT_WORK_WITHIN, "the next call came after {waited:?}");
    let done = |job: &Value| job["status"] == "completed";
    api.job_when(&job, "the job to be completed", DONE_WITHIN, done).await?;
    let lines = api.timeline(&job).await?;
    ensure!(lines.iter().any(|line| line["detail"] == "no limit of the rate"), "{lines:?}");
    Ok(())
}
