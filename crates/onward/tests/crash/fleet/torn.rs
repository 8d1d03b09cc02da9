//! The nemesis and what must hold all the same.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use onward_testkit::jobs::CONCURRENCY;
use onward_testkit::ledger::Look;
use onward_testkit::postgres::left_out;
use onward_testkit::{CreatorsJob, Evidence, Seed, Upstream, until};
use serde_json::Value;

use super::members::Fleet;
use super::nemesis::Trouble;
use crate::DONE_WITHIN;

const SERVERS: usize = 2;
const WORKERS: usize = 3;
/// Rows of a job.
const ROWS: u64 = 20_000;
/// Rounds in the life of a job: each kind of trouble once. `ONWARD_FLEET_ROUNDS` asks for more in all.
const ROUNDS: usize = 12;
/// Calls of all workers that may be under way.
const IN_FLIGHT: usize = WORKERS * CONCURRENCY as usize;
/// More calls than those under way are enough to show that rows are saved.
const ENOUGH_CALLS: usize = 3 * IN_FLIGHT;
/// Rows that are left when the last trouble is over.
const LAST_ROWS: u64 = 500;
/// Between two troubles everybody is looked at, which takes about so long.
const A_LOOK: Duration = Duration::from_secs(1);
/// After the end of a trouble, work goes on and every server answers within this (G21).
const GOES_ON_WITHIN: Duration = Duration::from_secs(30);
/// Twenty thousand rows, with leases lost on the way, on a busy machine.
const ALL_DONE_WITHIN: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_a_nemesis_does_to_a_fleet_every_row_is_counted_once() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let seed = Seed::from_env("ONWARD_SEED");
    let asked = std::env::var("ONWARD_FLEET_ROUNDS").ok().and_then(|text| text.parse().ok());
    let rounds: usize = asked.unwrap_or(ROUNDS);
    let mut fleet = Fleet::start(SERVERS, WORKERS).await?;
    for (no, left) in (0..rounds).step_by(ROUNDS).enumerate() {
        let plan = Trouble::plan(&mut seed.part(no as u64), ROUNDS.min(rounds - left), SERVERS, WORKERS);
        let mut life = Life::begin(&mut fleet, &format!("torn{no}"), &plan).await?;
        let outcome = life.through(&plan).await;
        let told = plan.iter().map(|trouble| format!("  {trouble:?}\n")).collect::<String>();
        outcome.with_context(|| {
            format!(
                "repeat with: ONWARD_SEED={} ONWARD_FLEET_ROUNDS={rounds} cargo test -p onward --test crash \
                 nemesis\njob {no} after {} of:\n{told}{}",
                seed.0,
                life.rounds,
                life.fleet.log_tails()
            )
        })?;
    }
    Ok(())
}

/// One job from its submission to its end.
struct Life<'a> {
    fleet: &'a mut Fleet,
    upstream: Upstream,
    truth: CreatorsJob,
    job: String,
    rounds: usize,
    looks: Vec<Look>,
    shown: Vec<Value>,
}

impl<'a> Life<'a> {
    /// The upstream takes its time, so that all of the plan happens in the life of the job.
    async fn begin(fleet: &'a mut Fleet, tag: &str, plan: &[Trouble]) -> Result<Self> {
        let latency = time(plan) * u32::try_from(IN_FLIGHT)? / u32::try_from(ROWS)?;
        let upstream = Upstream::start(CreatorsJob::mixed_script(tag, ROWS).latency(latency))?;
        let truth = CreatorsJob::mixed(tag, ROWS, &upstream.url());
        let job = fleet.apis[0].submit(&truth).await?;
        Ok(Self { fleet, upstream, truth, job, rounds: 0, looks: Vec::new(), shown: Vec::new() })
    }

    async fn through(&mut self, plan: &[Trouble]) -> Result<()> {
        // Spread over the life of the job, whatever the pace of the machine: each begins when as much of
        // the rows is called as of the time of the plan is over, and nobody comes to the next one before
        // this one is over.
        let due = |no: usize| {
            let share = time(&plan[..no]).as_secs_f64() / time(plan).as_secs_f64();
            (share * (ROWS - LAST_ROWS) as f64) as usize
        };
        for trouble in plan {
            self.upstream.admit(due(self.rounds + 1));
            self.calls(due(self.rounds), ALL_DONE_WITHIN).await?;
            trouble.strike(self.fleet).await?;
            self.rounds += 1;
            let (next, calls) = (due((self.rounds + 1).min(plan.len())), self.upstream.count());
            self.upstream.admit(next.max(calls) + ENOUGH_CALLS);
            // A place in the window is free again when its row is saved: so many calls need saved rows.
            self.calls(calls + IN_FLIGHT + 1, GOES_ON_WITHIN).await.context("work did not go on")?;
            self.look().await?;
            self.fleet.all_live()?;
        }
        let status = self.looks.last().map(|look| look.counters.status.clone());
        ensure!(status.as_deref() == Some("running"), "the last trouble came too late: {status:?}");
        self.upstream.admit(usize::MAX);
        self.finish().await
    }

    async fn calls(&self, calls: usize, within: Duration) -> Result<()> {
        until(&format!("{calls} calls"), within, async || Ok((self.upstream.count() >= calls).then_some(())))
            .await
    }

    /// Counters and ledger of one moment, with plain SQL and as both servers see them; what one server
    /// shows after another is never behind it (G7, G8).
    async fn look(&mut self) -> Result<()> {
        let look = self.fleet.postgres.look(&self.job)?;
        let mut least = look.counters.processed;
        self.looks.push(look);
        for (no, api) in self.fleet.apis.iter().enumerate() {
            let (shown, verify) = until("the server to show the job", GOES_ON_WITHIN, async || {
                let verify = api.get(&format!("/jobs/{}/verify", self.job)).await?;
                ensure!(verify.status == 200, "{verify:?}");
                Ok(Some((api.job(&self.job).await?, verify.body)))
            })
            .await?;
            ensure!(verify["ok"] == true, "server {no} found: {verify}");
            let processed = shown["processed_items"].as_u64().context("a count")?;
            ensure!(processed >= least, "server {no} shows {processed} rows, and {least} were there before");
            least = processed;
            self.shown.push(shown);
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        let done = |job: &Value| job["status"] == "completed";
        self.fleet.apis[0].job_when(&self.job, "the job to be completed", ALL_DONE_WITHIN, done).await?;
        // Every server has seen the last commit by now; nothing changes any more.
        let mut views = Vec::new();
        for api in &self.fleet.apis {
            let view = api.job_when(&self.job, "the end to be shown", DONE_WITHIN, done).await?;
            let export = api.text(&format!("/jobs/{}/export?format=csv", self.job)).await?;
            views.push((without_age(view.clone()), api.timeline(&self.job).await?, export));
            self.shown.push(view);
        }
        self.look().await?;
        ensure!(views[0] == views[1], "the servers differ: {:?}\n{:?}", views[0].0, views[1].0);
        let evidence = Evidence {
            expected: &self.truth.expected,
            looks: &self.looks,
            shown: &self.shown,
            calls: &self.upstream.calls(),
            export: &views[0].2,
            crashes: self.fleet.losses(&self.job)?,
        };
        let problems = evidence.problems();
        ensure!(problems.is_empty(), "{}", problems.join("\n"));
        Ok(())
    }
}

/// How long a plan takes with all that is looked at on the way.
fn time(plan: &[Trouble]) -> Duration {
    plan.iter().map(|trouble| trouble.lasts() + A_LOOK).sum()
}

/// What each server measures for itself: how quick it was, as seen from there.
fn without_age(mut job: Value) -> Value {
    for measured in ["rows_per_second", "eta_seconds", "checkpoint"] {
        job[measured] = Value::Null;
    }
    job
}
