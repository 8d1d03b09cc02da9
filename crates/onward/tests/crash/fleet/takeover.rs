//! Workers come, go and die: how soon others take over, seen through servers that do no work.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use onward_testkit::postgres::left_out;
use onward_testkit::{CreatorsJob, Evidence, Script, Upstream, now, until};
use serde_json::{Value, json};

use super::members::Fleet;
use crate::DONE_WITHIN;
use crate::workers::{AT_WORK_WITHIN, HANDED_BACK_WITHIN, at_work, worker};

/// Fifteen spans.
const ROWS: u64 = 1_500;
/// A lease of 12 s, the rescue duty's period and the claim: 15 s in all (G19). The rest is for a busy machine.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn on_a_fleet_a_new_worker_has_work_at_once_a_drained_one_hands_back_a_dead_one_is_replaced()
-> Result<()> {
    if left_out() {
        return Ok(());
    }
    let upstream = Upstream::start(Script::default().latency(Duration::from_millis(50)))?;
    let truth = CreatorsJob::plain("turns", ROWS, &upstream.url());
    let mut fleet = Fleet::start(2, 1).await?;
    let job = fleet.apis[0].submit(&truth).await?;
    let outcome = through(&mut fleet, &job).await;
    let shown = outcome.with_context(|| fleet.log_tails())?;
    let evidence = Evidence {
        expected: &truth.expected,
        looks: &[fleet.postgres.look(&job)?],
        shown: &[shown],
        calls: &upstream.calls(),
        export: &fleet.apis[1].text(&format!("/jobs/{job}/export?format=csv")).await?,
        crashes: 1,
    };
    let problems = evidence.problems();
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    Ok(())
}

async fn through(fleet: &mut Fleet, job: &str) -> Result<Value> {
    let (near, far) = (fleet.apis[0].clone(), fleet.apis[1].clone());
    let drained = at_work(&far, fleet.members[2].process.id()).await?;

    let second = fleet.join().await?;
    let pid = fleet.members[second].process.id();
    until("the second worker to register", DONE_WITHIN, async || worker(&near, pid).await).await?;
    let registered = now();
    at_work(&near, pid).await?;
    let waited = registered.elapsed();
    ensure!(waited < AT_WORK_WITHIN, "the new worker had work after {waited:?}");

    let id = drained["worker_id"].as_str().context("a worker has an id")?;
    let asked = now();
    let answer = far.post(&format!("/workers/{id}/drain"), &json!({})).await?;
    ensure!(answer.status == 202, "{answer:?}");
    let held = format!("SELECT count(*) FROM onward.spans WHERE worker = '{id}'");
    until("the drained worker to hand back", DONE_WITHIN, async || {
        let gone = worker(&near, fleet.members[2].process.id()).await?.is_none();
        Ok((gone && fleet.postgres.sql(&held)? == "0").then_some(()))
    })
    .await?;
    let waited = asked.elapsed();
    ensure!(waited < HANDED_BACK_WITHIN, "the drained worker handed back after {waited:?}");
    ensure!(fleet.losses(job)? == 0, "a lease was lost where one was handed back");

    let dead = at_work(&far, pid).await?;
    fleet.kill(second)?;
    let killed = now();
    fleet.join().await?;
    until("the dead worker's span to be given back", TAKEN_OVER_WITHIN, async || {
        let told = far.timeline(job).await?;
        let id = dead["worker_id"].as_str().unwrap_or_default();
        let told = told.iter().any(|event| event["kind"] == "rescued" && event.to_string().contains(id));
        Ok(told.then_some(()))
    })
    .await?;
    let waited = killed.elapsed();
    ensure!(waited > Duration::from_secs(7), "taken over after {waited:?}, before the lease lapsed");
    let done = |job: &Value| job["status"] == "completed";
    near.job_when(job, "the job to be completed", DONE_WITHIN, done).await
}
