//! Resume in the middle of a large job: how long until the first new row is durable.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use onward_testkit::{Api, CreatorsJob, Home};

use crate::measure::{Keys, Length, binary, creators, say};

const ROWS: u64 = 1_000_000;
const RECIPE: &str = "key = [\"handle\"]\n[work]\nkind = \"creators\"\n[add]\n";

pub(crate) fn bench(_: Length) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(measure())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
async fn measure() -> Result<()> {
    let home = Home::new(&binary()?.display().to_string())?;
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let list = CreatorsJob {
        filename: "creators.csv".to_owned(),
        csv: creators(ROWS, Keys::Mixed),
        recipe: RECIPE.to_owned(),
        expected: Vec::new(),
    };
    let job = api.submit(&list).await?;
    while processed(&api, &job).await? < ROWS / 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    api.act(&job, "force-cancel").await?;
    let stopped_at = processed(&api, &job).await?;
    ensure!(stopped_at < ROWS, "the job was done before it could be cancelled");
    server.kill()?;
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let begin = Instant::now();
    let answer = api.act(&job, "resume").await?;
    ensure!(answer.status == 202, "resume was refused: {}", answer.body);
    let answered = begin.elapsed();
    while processed(&api, &job).await? <= stopped_at {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    say(&format!(
        "resume of {ROWS} rows at row {}: answered after {} ms, first new row after {} ms",
        stopped_at + 1,
        answered.as_millis(),
        begin.elapsed().as_millis()
    ));
    Ok(())
}

async fn processed(api: &Api, job: &str) -> Result<u64> {
    Ok(api.job(job).await?["processed_items"].as_u64().unwrap_or(0))
}
