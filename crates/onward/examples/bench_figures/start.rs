//! Start-up and the main page on a store with 10,000 jobs.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use onward_testkit::{Home, Postgres};
use rusqlite::Connection;

use crate::measure::{Keys, Length, binary, creators, say};

const JOBS: u64 = 10_000;
const LOOKS: usize = 100;

pub(crate) fn bench(_: Length) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(measure())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
async fn measure() -> Result<()> {
    let home = Home::new(&binary()?.display().to_string())?;
    fill(&home, None)?;
    let begin = Instant::now();
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let ready = begin.elapsed();
    let client = onward_testkit::api::client().build()?;
    let mut first_bytes = Vec::with_capacity(LOOKS);
    for _ in 0..LOOKS {
        let begin = Instant::now();
        let answer = client.get(api.base()).header("accept", "text/html").send().await?;
        first_bytes.push(begin.elapsed());
        answer.bytes().await?;
    }
    first_bytes.sort_unstable();
    let p95 = first_bytes[LOOKS * 95 / 100];
    say(&format!(
        "a store with {JOBS} jobs: ready after {} ms, first byte of the main page {:.1} ms (median), {:.1} ms (p95)",
        ready.as_millis(),
        ms(first_bytes[LOOKS / 2]),
        ms(p95)
    ));
    Ok(())
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// One real job, then its rows in the database many times over: what is measured is reading them.
pub(crate) fn fill(home: &Home, postgres: Option<&Postgres>) -> Result<()> {
    let (csv, recipe) = (home.path().join("creators.csv"), home.path().join("recipe.toml"));
    std::fs::write(&csv, creators(5, Keys::Mixed))?;
    std::fs::write(&recipe, "key = [\"handle\"]\n[work]\nkind = \"creators\"\n")?;
    let (csv, recipe) = (csv.display().to_string(), recipe.display().to_string());
    home.run(&["run", &csv, "--recipe", &recipe]).context("the first job")?;
    match postgres {
        Some(server) => fill_postgres(server),
        None => fill_sqlite(home),
    }
    .context("the tables are not as this benchmark expects them")
}

fn fill_sqlite(home: &Home) -> Result<()> {
    let db = Connection::open(home.database())?;
    let columns = |table: &str, but: &[&str]| -> Result<String> {
        let mut names = db.prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))?;
        let names = names.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        Ok(but_for(names, but))
    };
    let (jobs, spans) = (columns("jobs", &["id", "uuid"])?, columns("spans", &["job"])?);
    db.execute_batch(&format!(
        "BEGIN;
         WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {JOBS})
         INSERT INTO jobs (id, uuid, {jobs})
         SELECT i, printf('01900000-0000-7000-8000-%012x', i), {jobs} FROM n, jobs WHERE id = 1;
         WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {JOBS})
         INSERT INTO spans (job, {spans}) SELECT i, {spans} FROM n, spans WHERE job = 1;
         COMMIT;"
    ))?;
    Ok(())
}

fn fill_postgres(server: &Postgres) -> Result<()> {
    let columns = |table: &str, but: &[&str]| -> Result<String> {
        let names = server.sql(&format!(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'onward' AND table_name = '{table}'"
        ))?;
        Ok(but_for(names.lines().map(str::to_owned).collect(), but))
    };
    let (jobs, spans) = (columns("jobs", &["id", "uuid"])?, columns("spans", &["job"])?);
    server.sql(&format!(
        "INSERT INTO onward.jobs (uuid, {jobs})
         SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, {jobs}
         FROM generate_series(2, {JOBS}) AS i, onward.jobs WHERE id = 1;
         INSERT INTO onward.spans (job, {spans})
         SELECT copy, {spans} FROM (SELECT id AS copy FROM onward.jobs WHERE id > 1) AS copies, onward.spans WHERE job = 1;
         ANALYZE"
    ))?;
    Ok(())
}

fn but_for(names: Vec<String>, but: &[&str]) -> String {
    names.into_iter().filter(|name| !but.contains(&name.as_str())).collect::<Vec<_>>().join(", ")
}
