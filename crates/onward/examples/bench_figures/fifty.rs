//! Fifty workers whose rows take 20 ms, in one process, on a real PostgreSQL: how busy the database is,
//! and what would limit more of them.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use async_trait::async_trait;
use onward_core::problem::Problem;
use onward_core::processor::{Answer, Call, Processor};
use onward_core::recipe::Recipe;
use onward_core::row::Verdict;
use onward_core::state::JobState;
use onward_engine::{Engine, Settings, Submission};
use onward_store::open::{Mode, connect};
use onward_testkit::Postgres;
use onward_testkit::postgres::Disk;

use crate::measure::{Keys, Length, creators, say};

const WORKERS: usize = 50;
/// Rows each has in flight: what a recipe has that says nothing, and one after the other.
const CONCURRENCY: [u32; 2] = [8, 1];
const CALL: Duration = Duration::from_millis(20);

pub(crate) fn bench(length: Length) -> Result<()> {
    let rows = match length {
        Length::Short => 200_000,
        Length::Long => 2_000_000,
    };
    let dir = tempfile::tempdir()?;
    let csv = dir.path().join("creators.csv");
    std::fs::write(&csv, creators(rows, Keys::Mixed))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for concurrency in CONCURRENCY {
        let server = Postgres::start(Disk::Synced)?;
        runtime.block_on(fleet(&server, &csv, rows, concurrency))?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
async fn fleet(server: &Postgres, csv: &Path, rows: u64, concurrency: u32) -> Result<()> {
    let url = format!("{}?max_connections=2", server.url());
    let mut engines = Vec::new();
    for no in 0..WORKERS {
        let store = connect(&url, Mode::Join).await?;
        let builder = Arc::new(|_: &Recipe| Ok(Arc::new(Waits) as Arc<dyn Processor>));
        let settings = Settings { max_jobs: 1, worker_name: format!("worker-{no}") };
        engines.push(Engine::new(store, builder, settings));
    }
    let job = engines[0].submit(submission(csv, concurrency)?).await.map_err(said)?.job.id;
    let before = Usage::of(server)?;
    let begin = Instant::now();
    engines.iter().for_each(Engine::start_work);
    loop {
        let now = engines[0].job(job).await.map_err(said)?.job;
        if now.state == JobState::Completed {
            break;
        }
        // Looking costs the one that is looked at.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (took, after) = (begin.elapsed().as_secs_f64(), Usage::of(server)?);
    let cores = std::thread::available_parallelism()?.get() as f64;
    let (rate, most) = (rows as f64 / took, WORKERS as f64 * f64::from(concurrency) / CALL.as_secs_f64());
    say(&format!(
        "{WORKERS} workers, {concurrency} rows of {} ms in flight each, {rows} rows: {rate:.0} rows/s, {:.2} of what they could do",
        CALL.as_millis(),
        rate / most
    ));
    let commits = after.commits - before.commits;
    say(&format!(
        "  the database: {:.0} % of {cores} cores, {:.0} transactions/s, {:.1} rows each, {:.0} bytes of log a row, {} connections",
        (after.cpu_s - before.cpu_s) / took / cores * 100.0,
        commits / took,
        rows as f64 / commits,
        (after.log_bytes - before.log_bytes) / rows as f64,
        after.connections
    ));
    for engine in engines {
        engine.stop_work().await;
    }
    Ok(())
}

fn submission(csv: &Path, concurrency: u32) -> Result<Submission> {
    let recipe = format!(r#"{{"key":["handle"],"work":{{"kind":"creators","concurrency":{concurrency}}}}}"#);
    Ok(Submission {
        file: csv.to_owned(),
        filename: String::from("creators.csv"),
        recipe: Recipe::from_json(&recipe).map_err(said)?,
        name: None,
        first: None,
        actor: String::from("bench"),
        sha256: None,
    })
}

fn said(problem: Problem) -> anyhow::Error {
    anyhow!(problem.detail)
}

/// Work that takes its time and does nothing.
struct Waits;

#[async_trait]
impl Processor for Waits {
    fn calls_out(&self) -> bool {
        true
    }

    async fn process(&self, call: &Call) -> Vec<Answer> {
        tokio::time::sleep(CALL).await;
        call.rows.iter().map(|_| Answer::Done(Verdict::added())).collect()
    }
}

/// What the server has used so far.
struct Usage {
    cpu_s: f64,
    commits: f64,
    log_bytes: f64,
    connections: usize,
}

impl Usage {
    fn of(server: &Postgres) -> Result<Self> {
        let number = |sql: &str| -> Result<f64> { Ok(server.sql(sql)?.parse()?) };
        let pid = std::fs::read_to_string(server.folder().join("data/postmaster.pid"))?;
        let pid = pid.lines().next().context("a process id")?;
        let (mut cpu_s, mut connections) = (0.0, 0);
        for entry in std::fs::read_dir("/proc")?.filter_map(Result::ok) {
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            // As Linux counts: after the name come state, parent, …, user and system time in 1/100 s.
            let fields: Vec<&str> =
                stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split_whitespace().collect();
            if fields.get(1) == Some(&pid) {
                let ticks = fields[11..13].iter().filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>();
                cpu_s += ticks / 100.0;
                connections += 1;
            }
        }
        Ok(Self {
            cpu_s,
            commits: number("SELECT sum(xact_commit) FROM pg_stat_database")?,
            log_bytes: number("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")?,
            connections,
        })
    }
}
