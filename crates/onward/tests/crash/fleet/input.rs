//! Where a resume reads the CSV: in Redis when it is there, else in PostgreSQL, else it says that it is gone.

use std::time::Duration;

use anyhow::{Result, ensure};
use onward_testkit::postgres::left_out;
use onward_testkit::{CreatorsJob, Script, Upstream, until};
use serde_json::Value;

use super::members::Fleet;
use crate::DONE_WITHIN;

const ROWS: u64 = 300;

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_reads_the_file_from_redis_else_from_postgres_else_says_that_it_is_gone() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let upstream = Upstream::start(Script::default().latency(Duration::from_millis(20)))?;
    let truth = CreatorsJob::plain("input", ROWS, &upstream.url());
    let fleet = Fleet::start(1, 1).await?;
    let api = &fleet.apis[0];
    let job = api.submit(&truth).await?;
    let some_more_then_cancel = async |more: u64| -> Result<()> {
        let from = api.job(&job).await?["processed_items"].as_u64().unwrap_or(0);
        let moved = |job: &Value| job["processed_items"].as_u64() >= Some(from + more);
        api.job_when(&job, "more rows", DONE_WITHIN, moved).await?;
        ensure!(api.act(&job, "force-cancel").await?.status == 200, "it could not be cancelled");
        Ok(())
    };
    some_more_then_cancel(20).await?;
    until("the file to be in Redis", DONE_WITHIN, async || {
        Ok((fleet.redis.cli(&["keys", "onward:chunk:*"])?.lines().count() == 3).then_some(()))
    })
    .await?;
    fleet.postgres.sql("CREATE TABLE public.kept AS SELECT * FROM onward.chunks")?;
    fleet.postgres.sql("UPDATE onward.chunks SET packed = 'other rows'")?;

    let resumed = api.act(&job, "resume").await?;
    ensure!(resumed.status == 202, "Redis has the very bytes: {resumed:?}");
    some_more_then_cancel(20).await?;

    fleet.redis.cli(&["flushall"])?;
    let refused = api.act(&job, "resume").await?;
    ensure!(refused.status == 409 && refused.body["code"] == "input-corrupt", "{refused:?}");

    fleet.postgres.sql(
        "UPDATE onward.chunks SET packed = kept.packed FROM public.kept \
         WHERE kept.input = chunks.input AND kept.no = chunks.no",
    )?;
    let resumed = api.act(&job, "resume").await?;
    ensure!(resumed.status == 202, "PostgreSQL has the file: {resumed:?}");
    some_more_then_cancel(20).await?;

    fleet.postgres.sql("DELETE FROM onward.chunks")?;
    ensure!(!fleet.redis.cli(&["keys", "onward:chunk:*"])?.is_empty(), "Redis holds chunks again");
    let gone = api.act(&job, "resume").await?;
    ensure!(gone.status == 410 && gone.body["code"] == "input-gone", "{gone:?}");
    ensure!(api.job(&job).await?["status"] == "cancelled", "the job is as it was");
    Ok(())
}
