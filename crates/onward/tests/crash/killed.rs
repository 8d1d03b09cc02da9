//! kill -9 at random moments, again and again, with slow early rows and eight calls in flight.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use onward_testkit::ledger::Look;
use onward_testkit::postgres::{Disk, left_out};
use onward_testkit::{
    Api, CreatorsJob, Evidence, Home, Ledger, Postgres, Process, Seed, Upstream, now, pass, until,
};
use serde_json::Value;

use crate::{BINARY, DONE_WITHIN};

/// Rows of a job, as in the story this project began with.
const ROWS: u64 = 313;
/// Kills in the normal run; `ONWARD_KILLS` asks for more.
const KILLS: u64 = 44;
/// Servers, each with a store of its own, that are killed side by side.
const LANES: u64 = 4;
/// Kills that one job of [`ROWS`] rows goes through: about thirty rows between two of them.
const KILLS_PER_JOB: u64 = 11;
/// After a start, how long at most before the next kill when it does not wait for calls.
const EARLY_KILL_MS: u64 = 400;

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_moments_no_row_is_lost_and_none_counts_twice() -> Result<()> {
    let seed = Seed::from_env("ONWARD_SEED");
    let asked = std::env::var("ONWARD_KILLS").ok().and_then(|text| text.parse().ok());
    let kills: u64 = asked.unwrap_or(KILLS);
    let lanes: Vec<_> =
        (0..LANES).map(|no| tokio::spawn(lane(no, kills.div_ceil(LANES), seed.part(no)))).collect();
    let mut failures = Vec::new();
    for lane in lanes {
        failures.extend(lane.await?.err().map(|error| format!("{error:?}")));
    }
    ensure!(
        failures.is_empty(),
        "{}\n\nrepeat with: ONWARD_SEED={} ONWARD_KILLS={kills} cargo test -p onward --test crash killed_at",
        failures.join("\n\n"),
        seed.0
    );
    Ok(())
}

/// A failed job does not hide what the others do: each lane has its own store and its own upstream.
async fn lane(no: u64, kills: u64, mut seed: Seed) -> Result<()> {
    let mut done = 0;
    for job in 0.. {
        if done >= kills {
            break;
        }
        let tag = format!("lane{no}.job{job}");
        let mut life = Life::begin(&tag).await.with_context(|| tag.clone())?;
        let wanted = KILLS_PER_JOB.min(kills - done);
        let outcome = life.through(wanted, &mut seed).await;
        done += life.crashes;
        outcome.with_context(|| format!("{tag} after {} kills; {}", life.crashes, life.home.log_tail()))?;
    }
    Ok(())
}

/// One job from submit to completed, through kills.
struct Life {
    home: Home,
    upstream: Upstream,
    truth: CreatorsJob,
    server: Option<Process>,
    api: Api,
    job: String,
    looks: Vec<Look>,
    shown: Vec<Value>,
    crashes: u64,
}

impl Life {
    async fn begin(tag: &str) -> Result<Self> {
        let home = Home::new(BINARY)?;
        let upstream = Upstream::start(CreatorsJob::mixed_script(tag, ROWS))?;
        let truth = CreatorsJob::mixed(tag, ROWS, &upstream.url());
        let mut server = home.serve(&[])?;
        let api = home.ready(&mut server).await?;
        let job = api.submit(&truth).await?;
        let (looks, shown) = (Vec::new(), Vec::new());
        Ok(Self { home, upstream, truth, server: Some(server), api, job, looks, shown, crashes: 0 })
    }

    async fn through(&mut self, kills: u64, seed: &mut Seed) -> Result<()> {
        for left in (1..=kills).rev() {
            let completed = if self.crashes > 0 && seed.below(5) == 0 {
                self.early_moment(seed).await?
            } else {
                self.moment_among_calls(left, seed).await?
            };
            if completed {
                break;
            }
            self.kill_and_start_again().await?;
        }
        self.finish().await
    }

    /// A moment during start-up or soon after: nothing is waited for.
    async fn early_moment(&mut self, seed: &mut Seed) -> Result<bool> {
        pass(Duration::from_micros(seed.below(EARLY_KILL_MS * 1_000))).await;
        Ok(self.look()?.counters.status == "completed")
    }

    /// A moment after some more calls, so that all kills fall into the life of the job.
    async fn moment_among_calls(&mut self, left: u64, seed: &mut Seed) -> Result<bool> {
        self.ready().await?;
        let undone = ROWS - self.look()?.counters.processed;
        let calls = self.upstream.count() + usize::try_from(seed.below(2 * undone / (left + 1)))?;
        let completed = until("more calls or the end", DONE_WITHIN, async || {
            if self.upstream.count() >= calls {
                return Ok(Some(false));
            }
            let done = self.api.job(&self.job).await?["status"] == "completed";
            Ok(done.then_some(true))
        })
        .await?;
        pass(Duration::from_micros(seed.below(20_000))).await;
        self.shown.push(self.api.job(&self.job).await?);
        Ok(self.look()?.counters.status == "completed" || completed)
    }

    /// A row in flight at three deaths is tried alone, and one death more would rightly blame it: it is let through.
    async fn let_suspects_through(&self) -> Result<()> {
        let open = "SELECT count(*) FROM doubts WHERE deaths >= 3 AND NOT EXISTS \
                    (SELECT 1 FROM outcomes WHERE outcomes.job = doubts.job AND outcomes.row = doubts.row)";
        until("rows that are tried alone to be done", DONE_WITHIN, async || {
            let db = rusqlite::Connection::open(self.home.database())?;
            let suspects: i64 = db.query_row(open, [], |row| row.get(0))?;
            Ok((suspects == 0).then_some(()))
        })
        .await
    }

    /// What was shown before the kill must be in the ledger after it (G8).
    async fn kill_and_start_again(&mut self) -> Result<()> {
        self.let_suspects_through().await?;
        self.server.take().context("a server runs")?.kill()?;
        self.crashes += 1;
        let shown = self.shown.last().and_then(|job| job["processed_items"].as_u64()).unwrap_or(0);
        let durable = self.look()?.counters.processed;
        ensure!(durable >= shown, "{shown} rows were shown as done, and after the kill {durable} are");
        self.server = Some(self.home.serve(&[])?);
        Ok(())
    }

    async fn ready(&mut self) -> Result<()> {
        self.api = self.home.ready(self.server.as_mut().context("a server runs")?).await?;
        self.shown.push(self.api.job(&self.job).await?);
        Ok(())
    }

    fn look(&mut self) -> Result<&Look> {
        let look = Ledger::open(&self.home.database())?.look(&self.job)?;
        self.looks.push(look);
        self.looks.last().context("just pushed")
    }

    /// Nobody resumes it: the job goes on by itself to its end, and then everything must fit together.
    async fn finish(&mut self) -> Result<()> {
        self.ready().await?;
        let done = |job: &Value| job["status"] == "completed";
        let job = self.api.job_when(&self.job, "the job to be completed", DONE_WITHIN, done).await?;
        self.shown.push(job);
        self.look()?;
        let export = self.api.text(&format!("/jobs/{}/export?format=csv", self.job)).await?;
        let verify = self.api.get(&format!("/jobs/{}/verify", self.job)).await?;
        ensure!(verify.body["ok"] == true, "verify says: {verify:?}");
        let calls = self.upstream.calls();
        let evidence = Evidence {
            expected: &self.truth.expected,
            looks: &self.looks,
            shown: &self.shown,
            calls: &calls,
            export: &export,
            crashes: self.crashes,
        };
        let problems = evidence.problems();
        ensure!(problems.is_empty(), "{}", problems.join("\n"));
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_the_only_process_goes_on_within_a_second() -> Result<()> {
    goes_on_within_a_second(&Home::new(BINARY)?).await
}

/// Nobody can know to be alone on a shared store; that the one before is dead can be known.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_a_process_on_postgres_goes_on_within_a_second_too() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let postgres = Postgres::start(Disk::Quick)?;
    goes_on_within_a_second(&Home::sharing(BINARY, &postgres.url(), None)?).await
}

async fn goes_on_within_a_second(home: &Home) -> Result<()> {
    let tag = "alone";
    // Fewer rows than a span has: the dead process holds all there is to do.
    let rows = 90;
    let upstream = Upstream::start(onward_testkit::Script::default().latency(Duration::from_millis(50)))?;
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let job = api.submit(&CreatorsJob::plain(tag, rows, &upstream.url())).await?;
    until("a third of the calls", DONE_WITHIN, async || Ok((upstream.count() > 30).then_some(()))).await?;
    server.kill()?;
    let before = upstream.count();
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await.with_context(|| home.log_tail())?;
    let ready = now();
    until("a call after the restart", DONE_WITHIN, async || Ok((upstream.count() > before).then_some(())))
        .await?;
    let waited = ready.elapsed();
    ensure!(waited < Duration::from_secs(1), "the first call came {waited:?} after the server was ready");
    ensure!(api.job(&job).await?["status"] == "running");
    Ok(())
}
