//! No calls, the ledger in PostgreSQL: one process, then two, beside the barest loop of one statement
//! per commit on the same server. Every outcome is durable against power loss.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use onward_testkit::Postgres;
use onward_testkit::postgres::Disk;

use crate::local::RECIPE;
use crate::measure::{Keys, Length, creators, onward, say};

const ROWS: u64 = 1_000_000;
const ROWS_PER_STATEMENT: u64 = 1_000;

pub(crate) fn bench(length: Length) -> Result<()> {
    let rows = match length {
        Length::Short => ROWS,
        Length::Long => 5 * ROWS,
    };
    let server = Postgres::start(Disk::Synced)?;
    let bare = bare(&server, ROWS)?;
    say(&format!(
        "bare PostgreSQL, {ROWS} rows, one statement for {ROWS_PER_STATEMENT}, synchronous_commit=on: {bare:.0} rows/s"
    ));
    for workers in 1..=2 {
        let dir = tempfile::tempdir()?;
        let took = run(&server, dir.path(), rows, workers)?;
        let rate = rows as f64 / took;
        say(&format!(
            "{workers} worker processes, {rows} rows, from the first claim to completed: {rate:.0} rows/s, {:.2} of bare PostgreSQL",
            rate / bare
        ));
    }
    Ok(())
}

/// A server without work takes the file in; then the workers start. What counts is from their first
/// claim to the end, by the database's clock.
fn run(server: &Postgres, dir: &Path, rows: u64, workers: u32) -> Result<f64> {
    let schema = format!("workers_{workers}");
    let store = format!("{}?schema={schema}", server.url());
    let (csv, recipe) = (dir.join("creators.csv"), dir.join("recipe.toml"));
    std::fs::write(&csv, creators(rows, Keys::Mixed))?;
    std::fs::write(&recipe, RECIPE)?;
    let (csv, recipe) = (csv.display().to_string(), recipe.display().to_string());
    let with = |args: &[&str]| -> Result<Command> {
        let mut command = onward(&dir.join("data"), args)?;
        command.arg("--store").arg(&store);
        Ok(command)
    };
    let submitted = with(&["submit", &csv, "--recipe", &recipe])?.status().context("cannot submit")?;
    ensure!(submitted.success(), "the submission ended with {submitted}");
    let mut working = (0..workers)
        .map(|_| Ok(Working(with(&["worker"])?.spawn().context("cannot start a worker")?)))
        .collect::<Result<Vec<_>>>()?;
    let took =
        format!("SELECT (finished_at - started_at) / 1000.0 FROM {schema}.jobs WHERE state = 'completed'");
    loop {
        let found = server.sql(&took)?;
        if let Ok(seconds) = found.parse() {
            return Ok(seconds);
        }
        for worker in &mut working {
            ensure!(worker.0.try_wait()?.is_none(), "a worker ended before the job did");
        }
        // Looking costs the one that is looked at.
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A process that ends when it is no longer needed.
struct Working(Child);

impl Drop for Working {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to do.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Rows per second of the plainest statements that keep the same records: made by the server itself, so
/// that nothing crosses a socket.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn bare(server: &Postgres, rows: u64) -> Result<f64> {
    server.sql(
        "CREATE SCHEMA bare;
         CREATE TABLE bare.outcomes (finished_at bigint, job integer, row integer, outcome smallint, key text,
             PRIMARY KEY (job, row));
         CREATE TABLE bare.creators (list text COLLATE \"C\", key text COLLATE \"C\", data text, job integer,
             row integer, added_at bigint, PRIMARY KEY (list, key));
         CREATE TABLE bare.spans (no integer PRIMARY KEY, added integer);
         INSERT INTO bare.spans SELECT no, 0 FROM generate_series(0, 9999) AS no",
    )?;
    let mut script = String::new();
    for first in (0..rows).step_by(ROWS_PER_STATEMENT as usize) {
        let (last, no) = (first + ROWS_PER_STATEMENT - 1, first / ROWS_PER_STATEMENT);
        script.push_str(&format!(
            "WITH made AS (INSERT INTO bare.creators SELECT 'creators', 'creator_' || md5(row::text), \
             '{{\"handle\":\"creator_0123456789abcdef\",\"followers\":\"12345\",\"country\":\"DE\"}}', 1, row, 0 \
             FROM generate_series({first}, {last}) AS row), \
             put AS (INSERT INTO bare.outcomes SELECT 0, 1, row, 0, 'creator_' || md5(row::text) \
             FROM generate_series({first}, {last}) AS row RETURNING 1) \
             UPDATE bare.spans SET added = (SELECT count(*) FROM put) WHERE no = {no};\n"
        ));
    }
    let begin = Instant::now();
    server.script(&script)?;
    Ok(rows as f64 / begin.elapsed().as_secs_f64())
}
