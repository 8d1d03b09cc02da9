//! Start-up and the main page on a store with 10,000 jobs.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use onward_testkit::Home;
use rusqlite::Connection;

use crate::measure::{Keys, Length, binary, creators, onward, say};

const JOBS: u64 = 10_000;
const LOOKS: usize = 100;

pub(crate) fn bench(_: Length) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(measure())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
async fn measure() -> Result<()> {
    let home = Home::new(&binary()?.display().to_string())?;
    fill(&home).await?;
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
pub(crate) async fn fill(home: &Home) -> Result<()> {
    let (csv, recipe) = (home.path().join("creators.csv"), home.path().join("recipe.toml"));
    std::fs::write(&csv, creators(5, Keys::Mixed))?;
    std::fs::write(&recipe, "key = [\"handle\"]\n[work]\nkind = \"creators\"\n")?;
    let (csv, recipe) = (csv.display().to_string(), recipe.display().to_string());
    let done = onward(home.path(), &["run", &csv, "--recipe", &recipe])?.status()?;
    anyhow::ensure!(done.success(), "the first job ended with {done}");
    let db = Connection::open(home.database())?;
    let columns = |table: &str, but: &[&str]| -> Result<Vec<String>> {
        let mut names = db.prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))?;
        let names = names.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        Ok(names.into_iter().filter(|name| !but.contains(&name.as_str())).collect())
    };
    let jobs = columns("jobs", &["id", "uuid"])?.join(", ");
    let spans = columns("spans", &["job"])?.join(", ");
    db.execute_batch(&format!(
        "BEGIN;
         WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {JOBS})
         INSERT INTO jobs (id, uuid, {jobs})
         SELECT i, printf('01900000-0000-7000-8000-%012x', i), {jobs} FROM n, jobs WHERE id = 1;
         WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {JOBS})
         INSERT INTO spans (job, {spans}) SELECT i, {spans} FROM n, spans WHERE job = 1;
         COMMIT;"
    ))
    .context("the tables are not as this benchmark expects them")?;
    Ok(())
}
