//! The same over a real PostgreSQL: processes are killed, the database is restarted and crashes, its
//! connections are ended, and the job goes on by itself.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use onward_testkit::ledger::Look;
use onward_testkit::postgres::{Disk, Stop, left_out};
use onward_testkit::{Api, CreatorsJob, Evidence, Home, Postgres, Process, Seed, Upstream, now, until};
use serde_json::Value;

use crate::{BINARY, DONE_WITHIN};

/// Rows of the job.
const ROWS: u64 = 313;
/// After the end of a fault of the database, work goes on within this (G21).
const GOES_ON_WITHIN: Duration = Duration::from_secs(30);

/// What happens in the middle of the work.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// kill -9 of the server, which works too.
    ServerKilled,
    /// kill -9 of the worker on the other machine.
    WorkerKilled,
    /// An administrator ends every connection.
    ConnectionsEnded,
    /// The database is restarted in an orderly way.
    Restarted,
    /// The database crashes.
    Crashed,
}

#[tokio::test(flavor = "multi_thread")]
async fn through_faults_of_processes_and_database_every_row_counts_once() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let mut seed = Seed::from_env("ONWARD_SEED");
    let number = seed.0;
    let mut life = Life::begin().await?;
    let outcome = life.through(&mut seed).await;
    outcome.with_context(|| {
        format!("repeat with ONWARD_SEED={number}\n{}\n{}", life.near.log_tail(), life.far.log_tail())
    })
}

/// One job, two machines and a database.
struct Life {
    postgres: Postgres,
    upstream: Upstream,
    truth: CreatorsJob,
    near: Home,
    far: Home,
    server: Option<Process>,
    worker: Option<Process>,
    api: Api,
    job: String,
    looks: Vec<Look>,
    shown: Vec<Value>,
    losses: u64,
}

impl Life {
    async fn begin() -> Result<Self> {
        let postgres = Postgres::start(Disk::Quick)?;
        let upstream = Upstream::start(CreatorsJob::mixed_script("fleet", ROWS))?;
        let truth = CreatorsJob::mixed("fleet", ROWS, &upstream.url());
        let near = Home::sharing(BINARY, &postgres.url(), None)?;
        let far = Home::sharing(BINARY, &postgres.url(), None)?;
        let mut server = near.serve(&[])?;
        let api = near.ready(&mut server).await?;
        let worker = Some(far.start(&["worker"])?);
        let job = api.submit(&truth).await?;
        let (server, looks, shown) = (Some(server), Vec::new(), Vec::new());
        Ok(Self { postgres, upstream, truth, near, far, server, worker, api, job, looks, shown, losses: 0 })
    }

    async fn through(&mut self, seed: &mut Seed) -> Result<()> {
        let mut faults = vec![
            Fault::ServerKilled,
            Fault::WorkerKilled,
            Fault::ConnectionsEnded,
            Fault::Restarted,
            Fault::Crashed,
        ];
        while !faults.is_empty() {
            let at = usize::try_from(seed.below(faults.len() as u64))?;
            let fault = faults.swap_remove(at);
            if self.more_calls(1 + seed.below(30)).await? {
                break;
            }
            self.look()?;
            self.strike(fault).await.with_context(|| format!("{fault:?}"))?;
        }
        self.finish().await
    }

    /// Waits for some more calls; `true` when the job ended instead.
    async fn more_calls(&self, more: u64) -> Result<bool> {
        let calls = self.upstream.count() + usize::try_from(more)?;
        until("more calls or the end", DONE_WITHIN, async || {
            if self.upstream.count() >= calls {
                return Ok(Some(false));
            }
            let job = self.api.job(&self.job).await;
            Ok(job.is_ok_and(|job| job["status"] == "completed").then_some(true))
        })
        .await
    }

    async fn strike(&mut self, fault: Fault) -> Result<()> {
        self.losses += 1;
        match fault {
            Fault::ServerKilled => {
                self.server.take().context("a server runs")?.kill()?;
                let mut server = self.near.serve(&[])?;
                self.api = self.near.ready(&mut server).await?;
                self.server = Some(server);
            }
            Fault::WorkerKilled => {
                self.worker.take().context("a worker runs")?.kill()?;
                self.worker = Some(self.far.start(&["worker"])?);
            }
            Fault::ConnectionsEnded => self.postgres.terminate_backends()?,
            Fault::Restarted | Fault::Crashed => {
                let how = if matches!(fault, Fault::Crashed) { Stop::Immediate } else { Stop::Fast };
                self.postgres.stop(how)?;
                self.postgres.launch()?;
            }
        }
        let over = now();
        self.more_calls(1).await?;
        let waited = over.elapsed();
        ensure!(waited < GOES_ON_WITHIN, "work went on only after {waited:?}");
        Ok(())
    }

    fn look(&mut self) -> Result<()> {
        self.looks.push(self.postgres.look(&self.job)?);
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        let job = until("the job to be completed", DONE_WITHIN, async || {
            // The database may be about to come back still: the rows in hand when it went go on without it.
            let job = self.api.job(&self.job).await.ok();
            Ok(job.filter(|job| job["status"] == "completed"))
        })
        .await?;
        self.shown.push(job);
        self.look()?;
        let verify = self.api.get(&format!("/jobs/{}/verify", self.job)).await?;
        ensure!(verify.body["ok"] == true, "verify says: {verify:?}");
        let evidence = Evidence {
            expected: &self.truth.expected,
            looks: &self.looks,
            shown: &self.shown,
            calls: &self.upstream.calls(),
            export: &self.api.text(&format!("/jobs/{}/export?format=csv", self.job)).await?,
            // Two processes may each lose a lease while the database is away.
            crashes: 2 * self.losses,
        };
        let problems = evidence.problems();
        ensure!(problems.is_empty(), "{}", problems.join("\n"));
        let said = std::fs::read_to_string(self.near.path().join("server.json"))?;
        ensure!(!said.contains("postgres@"), "the note shows how to log in: {said}");
        Ok(())
    }
}
