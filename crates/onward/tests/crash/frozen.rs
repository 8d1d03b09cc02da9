//! A worker that is frozen beyond its lease, replaced, and thawed: it must find out that it is late.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use onward_testkit::{Api, CreatorsJob, Evidence, Home, Ledger, Process, Script, Upstream, now, until};
use serde_json::Value;

use crate::{BINARY, DONE_WITHIN};

/// A lease of 12 s, the rescue duty's period and the claim: 15 s in all (G19). The rest is for a busy machine.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(20);
/// Fewer than a span has, so that one worker holds the whole job.
const ROWS: u64 = 40;
/// Calls in flight.
const HELD: usize = 8;

/// A server that does no work, one worker that holds eight calls, and the upstream that does not answer.
struct Scene {
    home: Home,
    upstream: Upstream,
    truth: CreatorsJob,
    _server: Process,
    api: Api,
    worker: Process,
    job: String,
}

async fn scene(tag: &str) -> Result<Scene> {
    let home = Home::new(BINARY)?;
    let upstream = Upstream::start(Script::default())?;
    upstream.hold();
    let truth = CreatorsJob::plain(tag, ROWS, &upstream.url());
    let mut server = home.serve(&["--no-work"])?;
    let api = home.ready(&mut server).await?;
    let worker = home.start(&["worker"])?;
    let job = api.submit(&truth).await?;
    until("eight calls in flight", DONE_WITHIN, async || Ok((upstream.open() == HELD).then_some(())))
        .await
        .with_context(|| home.log_tail())?;
    Ok(Scene { home, upstream, truth, _server: server, api, worker, job })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_frozen_beyond_its_lease_is_replaced_and_fenced_when_it_wakes_up() -> Result<()> {
    let scene = scene("frozen").await?;
    scene.worker.freeze()?;
    let frozen = now();
    let _other = scene.home.start(&["worker"])?;
    until("another worker to take over", TAKEN_OVER_WITHIN, async || {
        Ok((scene.upstream.count() >= 2 * HELD).then_some(()))
    })
    .await
    .with_context(|| scene.home.log_tail())?;
    let taken_over = frozen.elapsed();
    ensure!(taken_over > Duration::from_secs(7), "taken over after {taken_over:?}, before the lease lapsed");

    scene.upstream.release();
    let done = |job: &Value| job["status"] == "completed";
    let shown = scene.api.job_when(&scene.job, "the job to be completed", DONE_WITHIN, done).await?;
    let before = Ledger::open(&scene.home.database())?.look(&scene.job)?;

    scene.worker.thaw()?;
    refusal_is_told(&scene).await?;
    let after = Ledger::open(&scene.home.database())?.look(&scene.job)?;
    ensure!(
        before.rows == after.rows && before.counters == after.counters,
        "the late worker changed the ledger"
    );

    let export = scene.api.text(&format!("/jobs/{}/export?format=csv", scene.job)).await?;
    let evidence = Evidence {
        expected: &scene.truth.expected,
        looks: &[before, after],
        shown: &[shown],
        calls: &scene.upstream.calls(),
        export: &export,
        crashes: 1,
    };
    let problems = evidence.problems();
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn restart_and_force_cancel_answer_within_a_second_while_the_worker_is_frozen() -> Result<()> {
    let scene = scene("deaf").await?;
    scene.worker.freeze()?;
    for (action, status) in [("restart", 202), ("force-cancel", 200), ("force-cancel", 200)] {
        let asked = now();
        let body = serde_json::json!({ "force": true });
        let body = if action == "restart" { body } else { serde_json::json!({}) };
        let answer = scene.api.post(&format!("/jobs/{}/{action}", scene.job), &body).await?;
        let waited = asked.elapsed();
        ensure!(answer.status == status, "{action}: {answer:?}\n{}", scene.home.log_tail());
        ensure!(waited < Duration::from_secs(1), "{action} took {waited:?}");
    }
    ensure!(scene.api.job(&scene.job).await?["status"] == "cancelled");

    // The old worker wakes up with eight answers in hand; none of them may count any more (G11).
    scene.upstream.release();
    scene.worker.thaw()?;
    refusal_is_told(&scene).await?;
    let look = Ledger::open(&scene.home.database())?.look(&scene.job)?;
    ensure!(look.rows.is_empty() && look.counters.status == "cancelled", "{look:?}");
    Ok(())
}

/// Waits until the timeline tells that the old worker was refused (G18).
async fn refusal_is_told(scene: &Scene) -> Result<()> {
    until("the old worker's refusal on the timeline", DONE_WITHIN, async || {
        let timeline = scene.api.timeline(&scene.job).await?;
        let refused =
            timeline.iter().any(|event| event["kind"] == "late-result" || event["kind"] == "fenced");
        Ok(refused.then_some(()))
    })
    .await
    .with_context(|| scene.home.log_tail())
}
