//! Three hosts with addresses of their own: a server on one, workers on the two others, and a cable
//! that is pulled. What they share is on this machine: the database behind TLS, Redis, the target.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use onward_testkit::postgres::{Disk, left_out};
use onward_testkit::{
    Certificates, CreatorsJob, Evidence, Home, Hosts, Postgres, Redis, Script, Upstream, until,
};
use serde_json::Value;

use crate::{BINARY, DONE_WITHIN};

const ROWS: u64 = 600;

#[test]
fn three_hosts_share_a_job_and_one_of_them_may_lose_its_cable() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    Hosts::beside(3, async |hosts| match hosts {
        Some(hosts) => shared(&hosts).await,
        None => Ok(()),
    })
}

async fn shared(hosts: &Hosts) -> Result<()> {
    let here = hosts.here();
    let certificates = Certificates::of(&here.to_string())?;
    let postgres = Postgres::start_at(Disk::Quick, Some(here))?;
    postgres.speak_tls(&certificates)?;
    let redis = Redis::start_at(here)?;
    let upstream = Upstream::start_at(here, Script::default().latency(Duration::from_millis(100)))?;
    let root = certificates.root();
    let store = format!(
        "postgres://postgres@{here}:{}/postgres?sslmode=verify-full&sslrootcert={}",
        postgres.port(),
        root.display()
    );
    let hot = format!("redis://{here}:{}/0", redis.port());
    let home = |no| -> Result<Home> { Ok(Home::sharing(BINARY, &store, Some(&hot))?.on(hosts.host(no)?)) };
    let (first, second, third) = (home(0)?, home(1)?, home(2)?);
    let _server = first.serve(&["--no-work"])?;
    let _workers = [second.start(&["worker"])?, third.start(&["worker"])?];

    let truth = CreatorsJob::plain("hosts", ROWS, &upstream.url());
    std::fs::write(first.path().join("hosts.csv"), &truth.csv)?;
    std::fs::write(first.path().join("recipe.toml"), &truth.recipe)?;
    let logs = || [&first, &second, &third].map(Home::log_tail).join("\n");
    until("the server to say where it is", DONE_WITHIN, async || {
        Ok(first.path().join("server.json").exists().then_some(()))
    })
    .await
    .with_context(logs)?;
    let submitted = first.run(&["submit", "hosts.csv", "--recipe", "recipe.toml", "--json"])?;
    let submitted: Value = serde_json::from_str(&submitted)?;
    let job = submitted["job_id"].as_str().context("a job")?;
    // On another host than the server's, through the store.
    let show =
        |home: &Home| -> Result<Value> { Ok(serde_json::from_str(&home.run(&["show", job, "--json"])?)?) };
    let holders = format!(
        "SELECT count(DISTINCT worker) FROM onward.spans JOIN onward.jobs ON jobs.id = spans.job \
         WHERE jobs.uuid = '{job}' AND spans.state = 'leased'"
    );
    until("both workers to hold spans", DONE_WITHIN, async || {
        Ok((postgres.sql(&holders)? == "2").then_some(()))
    })
    .await
    .with_context(logs)?;

    hosts.host(1)?.unplug()?;
    until("the job to be completed without the second host", DONE_WITHIN, async || {
        Ok((show(&first)?["status"] == "completed").then_some(()))
    })
    .await
    .with_context(logs)?;
    hosts.host(1)?.plug_in()?;
    let seen = until("the second host to see it", DONE_WITHIN, async || Ok(Some(show(&second)?))).await?;
    ensure!(seen["processed_items"] == ROWS, "{seen}");
    let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE client_addr IS NOT NULL AND client_addr <> '127.0.0.1'";
    ensure!(postgres.sql(encrypted)? == "t", "somebody spoke in the clear");
    let evidence = Evidence {
        expected: &truth.expected,
        looks: &[postgres.look(job)?],
        shown: &[seen],
        calls: &upstream.calls(),
        export: &first.run(&["export", job])?,
        crashes: 1,
    };
    let problems = evidence.problems();
    ensure!(problems.is_empty(), "{}\n{}", problems.join("\n"), logs());
    Ok(())
}
