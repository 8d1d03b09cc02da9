//! The dashboard on a large store while a job runs at full speed: the first byte of each page, what a
//! reader costs the job, and what a thousand clients of the event stream cost the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use onward_testkit::postgres::Disk;
use onward_testkit::{Api, Home, Postgres, Process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::local::RECIPE;
use crate::measure::{Keys, Length, binary, cpu_s, creators, say};
use crate::start::fill;

/// Rows of the job that runs during one round: enough for every look.
const ROUND_ROWS: u64 = 6_000_000;
/// Rows of the job that is watched to its end: as many as a server takes, which is enough for every turn.
const WATCHED_ROWS: u64 = 10_000_000;
/// Looks at each page in each round.
const LOOKS: usize = 20;
/// Rounds over all pages, each beside a job of its own.
const ROUNDS: usize = 3;
/// One look in this time, as twenty impatient readers would.
const A_LOOK: Duration = Duration::from_millis(50);
/// How long a rate is measured at a time. A job's rate drifts by a third within a minute, so windows with and
/// without what is measured take turns.
const WINDOW: Duration = Duration::from_secs(4);
/// The same where nothing has to come or go between two windows: as long as the looks of a round at one page.
const SHORT_WINDOW: Duration = Duration::from_secs(1);
/// Windows with a thousand clients.
const TURNS: usize = 4;
/// The same where the ledger is in PostgreSQL: a checkpoint slows everything down by a tenth every half minute, and has
/// to fall into windows with clients as often as into those without.
const TURNS_ON_POSTGRES: usize = 9;
/// Clients that are gone are noticed when they are told the next time; with a thousand that is every 1.7 s.
const LEAVING: Duration = Duration::from_secs(3);
/// Clients of the event stream.
const CLIENTS: usize = 1_000;
/// The last event of a job that came to its end.
const LAST: &[u8] = b"\"status\":\"completed\"";

pub(crate) fn bench(length: Length) -> Result<()> {
    measure(length, None)
}

/// The same with the ledger in PostgreSQL.
pub(crate) fn bench_on_postgres(length: Length) -> Result<()> {
    measure(length, Some(&Postgres::start(Disk::Synced)?))
}

fn measure(length: Length, postgres: Option<&Postgres>) -> Result<()> {
    let rows = match length {
        Length::Short => 1_000_000,
        Length::Long => 10_000_000,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let binary = binary()?.display().to_string();
        let home = match postgres {
            Some(server) => Home::sharing(&binary, &server.url(), None)?,
            None => Home::new(&binary)?,
        };
        fill(&home, postgres)?;
        let (csv, recipe) = list(&home, "large", rows)?;
        home.run(&["run", &csv, "--recipe", &recipe]).context("the large job")?;
        if let Some(server) = postgres {
            // What so many rows at once leave to be done in the background would go on beside what is measured.
            server.sql("VACUUM ANALYZE")?;
            server.sql("CHECKPOINT")?;
        }
        let mut server = home.serve(&[])?;
        let api = home.ready(&mut server).await?;
        let store = if postgres.is_some() { "PostgreSQL" } else { "SQLite" };
        say(&format!("a store in {store} with 10,000 jobs and one more of {rows} rows"));
        pages(&home, &api, rows).await?;
        streams(&home, &api, &server, if postgres.is_some() { TURNS_ON_POSTGRES } else { TURNS }).await
    })
}

/// Writes a list and its recipe, and gives their paths.
fn list(home: &Home, name: &str, rows: u64) -> Result<(String, String)> {
    let (csv, recipe) = (home.path().join(format!("{name}.csv")), home.path().join("recipe.toml"));
    std::fs::write(&csv, creators(rows, Keys::InOrder))?;
    std::fs::write(&recipe, RECIPE)?;
    Ok((csv.display().to_string(), recipe.display().to_string()))
}

/// Submits a list, waits until the job has begun, and gives its id.
async fn submit(home: &Home, api: &Api, name: &str, rows: u64) -> Result<String> {
    let (csv, recipe) = list(home, name, rows)?;
    // Reading a large file takes a while, and whoever waits here looks at nothing else.
    home.run(&["submit", &csv, "--recipe", &recipe])?;
    let jobs = api.get("/jobs?limit=1").await?;
    let job = jobs.body["jobs"][0]["job_id"].as_str().context("a job")?.to_owned();
    api.job_when(&job, "a first row", Duration::from_secs(60), |job| {
        job["processed_items"].as_u64() > Some(0)
    })
    .await?;
    Ok(job)
}

/// First bytes while a job runs, and what the looking costs it.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
async fn pages(home: &Home, api: &Api, rows: u64) -> Result<()> {
    let large = api.get("/jobs?limit=1&q=large").await?.body["jobs"][0]["job_id"]
        .as_str()
        .context("the large job")?
        .to_owned();
    let client = onward_testkit::api::client().build()?;
    let middle = rows / 2;
    let paths = |running: &str| {
        [
            ("main", "/".to_owned()),
            ("main, failed ones", "/?status=attention".to_owned()),
            ("main, a search", "/?q=creators".to_owned()),
            ("main, an older page", "/?before=01900000-0000-7000-8000-000000001388".to_owned()),
            ("job", format!("/jobs/{large}")),
            ("job that runs", format!("/jobs/{running}")),
            ("rows", format!("/jobs/{large}/rows")),
            ("rows, from the middle", format!("/jobs/{large}/rows?from={middle}")),
            ("rows, filtered ones", format!("/jobs/{large}/rows?outcome=filtered")),
            ("rows, a search", format!("/jobs/{large}/rows?q=creator_{:09}", rows - 5)),
            ("one row", format!("/jobs/{large}/rows/{middle}")),
            ("creators", "/creators".to_owned()),
        ]
    };
    let (mut alone, mut watched) = (Span::default(), Span::default());
    let mut first_bytes = vec![Vec::with_capacity(LOOKS * ROUNDS); paths("").len()];
    for _ in 0..ROUNDS {
        let running = submit(home, api, "running", ROUND_ROWS).await?;
        for ((_, path), first_bytes) in paths(&running).iter().zip(&mut first_bytes) {
            alone.add(pass(api, &running, SHORT_WINDOW).await?);
            let begun = Mark::now(api, &running).await?;
            for _ in 0..LOOKS {
                let begin = Instant::now();
                let answer =
                    client.get(format!("{}{path}", api.base())).header("accept", "text/html").send().await?;
                first_bytes.push(begin.elapsed());
                ensure!(answer.status().is_success(), "{path}: {}", answer.status());
                answer.bytes().await?;
                tokio::time::sleep(A_LOOK.saturating_sub(begin.elapsed())).await;
            }
            watched.add(begun.until_now(api, &running).await?);
        }
        ensure!(api.job(&running).await?["status"] == "running", "the job ended too early to be measured");
        ensure!(api.act(&running, "force-cancel").await?.status == 200, "the job cannot be cancelled");
    }
    for ((name, _), first_bytes) in paths("").iter().zip(&mut first_bytes) {
        first_bytes.sort_unstable();
        let (median, p95) = (first_bytes[first_bytes.len() / 2], first_bytes[first_bytes.len() * 95 / 100]);
        say(&format!("{name}: first byte {:.1} ms (median), {:.1} ms (p95)", ms(median), ms(p95)));
    }
    say(&format!(
        "the job that runs: {:.0} rows/s alone, {:.0} rows/s at twenty looks a second, in turns: {:.3}",
        alone.rate(),
        watched.rate(),
        watched.rate() / alone.rate()
    ));
    Ok(())
}

/// A thousand clients beside a job at full speed: what they cost, and when each knows of its end.
async fn streams(home: &Home, api: &Api, server: &Process, turns: usize) -> Result<()> {
    let job = submit(home, api, "watched", WATCHED_ROWS).await?;
    let address = api.base().trim_start_matches("http://").to_owned();
    let (mut alone, mut watched) = (Span::default(), Span::default());
    let (mut cpu_alone, mut cpu_watched) = (0.0, 0.0);
    let mut clients = JoinSet::new();
    let mut without = async || -> Result<()> {
        let cpu = cpu_s(server.id());
        alone.add(pass(api, &job, WINDOW / 2).await?);
        cpu_alone += cpu_s(server.id()) - cpu;
        Ok(())
    };
    for turn in 0..turns {
        // As long before the clients as after them: a job that becomes slower does not count against them.
        without().await?;
        let watching = Arc::new(AtomicUsize::new(0));
        for _ in 0..CLIENTS {
            clients.spawn(watch(address.clone(), Arc::clone(&watching)));
        }
        // Coming costs more than watching: each is sent the whole state first.
        while watching.load(Ordering::Relaxed) < CLIENTS {
            ensure!(api.job(&job).await?["status"] == "running", "the job ended before its clients had come");
            tokio::time::sleep(A_LOOK).await;
        }
        let cpu = cpu_s(server.id());
        watched.add(pass(api, &job, WINDOW).await?);
        cpu_watched += cpu_s(server.id()) - cpu;
        // The last ones stay, to see the end.
        if turn + 1 < turns {
            clients.shutdown().await;
            tokio::time::sleep(LEAVING).await;
            without().await?;
        }
    }
    ensure!(api.job(&job).await?["status"] == "running", "the job ended too early to be measured");
    // What the rows themselves cost is known from the windows without clients.
    let share = (cpu_watched - cpu_alone / alone.rows * watched.rows) / watched.seconds;
    let ended =
        api.job_when(&job, "its end", Duration::from_secs(300), |job| job["status"] == "completed").await?;
    let at: jiff::Timestamp = ended["finished_at"].as_str().context("finished_at")?.parse()?;
    let mut lags = Vec::with_capacity(CLIENTS);
    while let Some(seen) = clients.join_next().await {
        lags.push(seen?? - at.as_millisecond());
    }
    lags.sort_unstable();
    say(&format!(
        "{CLIENTS} event-stream clients: {:.1} % of a core for them, the job at {:.0} rows/s instead of {:.0}, in turns: {:.3}; \
         its end seen after {} ms (median), {} ms (the last of them)",
        share * 100.0,
        watched.rate(),
        alone.rate(),
        watched.rate() / alone.rate(),
        lags[CLIENTS / 2],
        lags[CLIENTS - 1]
    ));
    Ok(())
}

/// Reads the stream until the job's end is in it, and says when that was, in milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "compared with a moment that the server names")]
async fn watch(address: String, watching: Arc<AtomicUsize>) -> Result<i64> {
    let mut stream = TcpStream::connect(&address).await?;
    let request =
        format!("GET /api/v1/events HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    // The snapshot holds jobs that are completed already; only what follows it counts.
    let mut buffer = vec![0; 256 * 1_024];
    let (mut text, mut is_past_snapshot) = (Vec::new(), false);
    loop {
        let read = stream.read(&mut buffer).await?;
        ensure!(read > 0, "the stream ended");
        text.extend_from_slice(&buffer[..read]);
        if !is_past_snapshot {
            let Some(end) = find(&text, b"event: job") else { continue };
            (text, is_past_snapshot) = (text.split_off(end), true);
            watching.fetch_add(1, Ordering::Relaxed);
        }
        if find(&text, LAST).is_some() {
            let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
            return Ok(i64::try_from(now.as_millis())?);
        }
        // What was looked through is let go, but for an end that may go on in the next piece.
        text.drain(..text.len().saturating_sub(LAST.len()));
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|part| part == wanted)
}

async fn processed(api: &Api, job: &str) -> Result<u64> {
    api.job(job).await?["processed_items"].as_u64().context("a count")
}

/// A moment of a job.
struct Mark {
    at: Instant,
    processed: u64,
}

impl Mark {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
    async fn now(api: &Api, job: &str) -> Result<Self> {
        let processed = processed(api, job).await?;
        Ok(Self { at: Instant::now(), processed })
    }

    async fn until_now(self, api: &Api, job: &str) -> Result<Span> {
        let now = Self::now(api, job).await?;
        let rows = (now.processed - self.processed) as f64;
        Ok(Span { rows, seconds: (now.at - self.at).as_secs_f64() })
    }
}

/// What a job did in a time.
#[derive(Default)]
struct Span {
    rows: f64,
    seconds: f64,
}

impl Span {
    fn add(&mut self, more: Self) {
        self.rows += more.rows;
        self.seconds += more.seconds;
    }

    fn rate(&self) -> f64 {
        self.rows / self.seconds
    }
}

/// What a job does while this time passes.
async fn pass(api: &Api, job: &str, time: Duration) -> Result<Span> {
    let begun = Mark::now(api, job).await?;
    tokio::time::sleep(time).await;
    begun.until_now(api, job).await
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
