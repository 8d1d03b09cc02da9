//! No calls, the ledger in PostgreSQL: one process, two, and one with a Redis beside it, next to the
//! barest loop of one statement per commit on the same server; then whether it stays as quick as a job
//! grows. Every outcome is durable against power loss.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use onward_testkit::postgres::Disk;
use onward_testkit::{Postgres, Redis};

use crate::local::RECIPE;
use crate::measure::{Keys, Length, creators, onward, say};
use crate::pace::{Pace, Paced};

const ROWS: u64 = 1_000_000;
const ROWS_PER_STATEMENT: u64 = 1_000;
/// Spans of 1,000 rows in the job that shows growth; its first and last fifth are compared.
const FIFTHS: u32 = 5;
/// Runs with and without a Redis.
const TURNS: usize = 2;

pub(crate) fn bench(length: Length) -> Result<()> {
    let server = Postgres::start(Disk::Synced)?;
    let redis = Redis::start()?;
    let (bare, _) = bare_loop(&server, ROWS)?;
    say(&format!(
        "bare PostgreSQL, {ROWS} rows, one statement for {ROWS_PER_STATEMENT}, synchronous_commit=on: {bare:.0} rows/s"
    ));
    let run = |schema: &str, rows, keys, workers, redis| {
        Run { server: &server, redis, schema, rows, keys, workers }.measure()
    };
    // The server's own pace drifts within minutes, so the two take turns.
    let (mut one, mut hot) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        one.push(run("one", ROWS, Keys::Mixed, 1, None)?.rows_per_s);
        hot.push(run("hot", ROWS, Keys::Mixed, 1, Some(&redis))?.rows_per_s);
    }
    let (one, hot) = (mean(&one), mean(&hot));
    say(&format!("1 worker process, {ROWS} rows, from the first claim to completed: {}", beside(one, bare)));
    let cost = (hot / one - 1.0) * 100.0;
    say(&format!("the same with a Redis beside it, in turns: {}, {cost:+.0} % rows/s", beside(hot, bare)));
    let two = run("two", ROWS, Keys::Mixed, 2, None)?;
    say(&format!("2 worker processes: {}, {:.2} of one", beside(two.rows_per_s, bare), two.rows_per_s / one));
    two.growth()?;
    if length == Length::Long {
        let rows = 10 * ROWS;
        let (rate, fifths_s) = bare_loop(&server, rows)?;
        say(&format!(
            "bare PostgreSQL, {rows} rows, creators in any order: {rate:.0} rows/s, the last fifth {:.2} times as long as the first",
            fifths_s[fifths_s.len() - 1] / fifths_s[0]
        ));
        // Creators in the order of their keys go to the end of their index; others all over it: then the server's
        // memory decides.
        for (keys, name) in [(Keys::InOrder, "in the order of their keys"), (Keys::Mixed, "in any order")] {
            let large = run("large", rows, keys, 2, None)?;
            say(&format!(
                "2 worker processes, {rows} rows, creators {name}: {}",
                beside(large.rows_per_s, bare)
            ));
            large.growth()?;
        }
    }
    Ok(())
}

fn beside(rows_per_s: f64, bare: f64) -> String {
    format!("{rows_per_s:.0} rows/s, {:.2} of bare PostgreSQL", rows_per_s / bare)
}

/// Of rates over the same number of rows.
fn mean(rates: &[f64]) -> f64 {
    rates.len() as f64 / rates.iter().map(|rate| 1.0 / rate).sum::<f64>()
}

/// Workers on a job in a schema of its own.
struct Run<'a> {
    server: &'a Postgres,
    redis: Option<&'a Redis>,
    schema: &'a str,
    rows: u64,
    keys: Keys,
    workers: u32,
}

/// What they reached.
struct Reached {
    rows_per_s: f64,
    /// Each fifth of the spans, in the order in which they were finished.
    fifths: Vec<Fifth>,
    /// Milliseconds until the first byte of the list of jobs, asked while they worked, in order of size.
    list_ms: Vec<f64>,
}

/// A fifth of the spans.
struct Fifth {
    seconds: f64,
    /// What a fixed piece of work cost meanwhile.
    pace_s: f64,
}

impl Run<'_> {
    /// A server without work takes the file in; then the workers start. What counts is from their first
    /// claim to the end, by the database's clock.
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
    fn measure(self) -> Result<Reached> {
        let Self { server, redis, schema, rows, keys, workers } = self;
        let dir = tempfile::tempdir()?;
        let dir = dir.path();
        let store = format!("{}?schema={schema}", server.url());
        let (csv, recipe) = (dir.join("creators.csv"), dir.join("recipe.toml"));
        std::fs::write(&csv, creators(rows, keys))?;
        std::fs::write(&recipe, RECIPE)?;
        let (csv, recipe) = (csv.display().to_string(), recipe.display().to_string());
        let with = |args: &[&str]| -> Result<Command> {
            let mut command = onward(&dir.join("data"), args)?;
            command.arg("--store").arg(&store);
            if let Some(redis) = redis {
                command.arg("--redis").arg(redis.url());
            }
            Ok(command)
        };
        let submitted = with(&["submit", &csv, "--recipe", &recipe])?.status().context("cannot submit")?;
        ensure!(submitted.success(), "the submission ended with {submitted}");
        let server_process = Working(with(&["serve", "--no-work", "--listen", "127.0.0.1:0"])?.spawn()?);
        let list = List(address(&dir.join("data"))?);
        server.sql("CHECKPOINT")?;
        let pace = Pace::keep();
        let mut working = (0..workers)
            .map(|_| Ok(Working(with(&["worker"])?.spawn().context("cannot start a worker")?)))
            .collect::<Result<Vec<_>>>()?;
        let took = format!(
            "SELECT (finished_at - started_at) / 1000.0 FROM {schema}.jobs WHERE state = 'completed'"
        );
        let mut list_ms = Vec::new();
        let seconds: f64 = loop {
            if let Ok(seconds) = server.sql(&took)?.parse() {
                break seconds;
            }
            for worker in &mut working {
                ensure!(worker.0.try_wait()?.is_none(), "a worker ended before the job did");
            }
            let asked = Instant::now();
            list.first_byte()?;
            list_ms.push(asked.elapsed().as_secs_f64() * 1_000.0);
            // Looking costs the one that is looked at.
            std::thread::sleep(Duration::from_millis(200));
        };
        drop((working, server_process));
        let fifths = fifths(server, schema, &pace.end()?)?;
        server.sql(&format!("DROP SCHEMA {schema} CASCADE"))?;
        list_ms.sort_by(f64::total_cmp);
        Ok(Reached { rows_per_s: rows as f64 / seconds, fifths, list_ms })
    }
}

impl Reached {
    fn growth(&self) -> Result<()> {
        let (first, last) = (self.fifths.first().context("spans")?, self.fifths.last().context("spans")?);
        let (growth, machine) = (last.seconds / first.seconds, last.pace_s / first.pace_s);
        let seconds: Vec<f64> = self.fifths.iter().map(|fifth| fifth.seconds).collect();
        say(&format!(
            "  the last fifth of its spans took {growth:.2} times as long as the first, a fixed piece of work meanwhile \
             {machine:.2} times: grown by {:.2}; fifths in seconds: {seconds:.1?}",
            growth / machine
        ));
        let at = |share: f64| self.list_ms.get((self.list_ms.len() as f64 * share) as usize).copied();
        say(&format!(
            "  the list of jobs while they work, first byte: median {:.1} ms, 95 % within {:.1} ms",
            at(0.5).context("answers")?,
            at(0.95).context("answers")?
        ));
        Ok(())
    }
}

/// How long each fifth of the spans took. The last outcome of each span says when it was done.
fn fifths(server: &Postgres, schema: &str, paced: &Paced) -> Result<Vec<Fifth>> {
    let found = server.sql(&format!(
        "SELECT min(beat_ms) || ' ' || max(beat_ms) FROM (SELECT beat_ms, ntile({FIFTHS}) OVER (ORDER BY beat_ms) \
         AS fifth FROM {schema}.spans WHERE row_count = 1000) AS spans GROUP BY fifth ORDER BY fifth"
    ))?;
    let fifth = |line: &str| {
        let (begin, end) = line.split_once(' ').context("two moments")?;
        let (begin_ms, end_ms): (i64, i64) = (begin.parse()?, end.parse()?);
        let seconds = (end_ms - begin_ms) as f64 / 1_000.0;
        Ok(Fifth { seconds, pace_s: paced.between(begin_ms, end_ms)? })
    };
    found.lines().map(fifth).collect()
}

/// Where the server listens, once it says so.
fn address(data: &Path) -> Result<String> {
    for _ in 0..500 {
        let note = std::fs::read_to_string(data.join("server.json")).unwrap_or_default();
        let note: serde_json::Value = serde_json::from_str(&note).unwrap_or_default();
        if let Some(address) = note["address"].as_str() {
            return Ok(address.trim_start_matches("http://").to_owned());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    anyhow::bail!("the server does not say where it is")
}

/// Asks for the list of jobs over a connection of its own, as a browser that comes anew does.
struct List(String);

impl List {
    fn first_byte(&self) -> Result<()> {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(&self.0)?;
        write!(stream, "GET / HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.0)?;
        let mut first = [0; 12];
        stream.read_exact(&mut first)?;
        ensure!(first.ends_with(b"200"), "the page was refused: {}", String::from_utf8_lossy(&first));
        Ok(())
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

/// Rows per second of the plainest statements that keep the same records, and the seconds that each fifth of them
/// took: made by the server itself, so that nothing crosses a socket.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn bare_loop(server: &Postgres, rows: u64) -> Result<(f64, Vec<f64>)> {
    server.sql(
        "CREATE SCHEMA bare;
         CREATE TABLE bare.outcomes (finished_at bigint, job integer, row integer, outcome smallint, key text,
             PRIMARY KEY (job, row));
         CREATE TABLE bare.creators (list text COLLATE \"C\", key text COLLATE \"C\", data text, job integer,
             row integer, added_at bigint, PRIMARY KEY (list, key));
         CREATE TABLE bare.spans (no integer PRIMARY KEY, added integer);
         INSERT INTO bare.spans SELECT no, 0 FROM generate_series(0, 9999) AS no",
    )?;
    let fifth = rows / u64::from(FIFTHS);
    let mut fifths_s = Vec::new();
    for begin in (0..rows).step_by(fifth as usize) {
        let mut script = String::new();
        for first in (begin..begin + fifth).step_by(ROWS_PER_STATEMENT as usize) {
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
        let begun = Instant::now();
        server.script(&script)?;
        fifths_s.push(begun.elapsed().as_secs_f64());
    }
    server.sql("DROP SCHEMA bare CASCADE")?;
    Ok((rows as f64 / fifths_s.iter().sum::<f64>(), fifths_s))
}
