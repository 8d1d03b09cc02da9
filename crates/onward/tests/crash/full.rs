//! A disk that runs full under a job, a real one: the job says so, loses nothing, and goes on by itself.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use onward_testkit::ledger::Look;
use onward_testkit::receiver::{Receiver, SECRET};
use onward_testkit::{CreatorsJob, Evidence, Home, Ledger, Process, Script, Upstream, now, pass, until};
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;
use serde_json::{Value, json};

use crate::{BINARY, DONE_WITHIN};

/// Rows of the job.
const ROWS: u64 = 600;
/// Calls after which the disk is filled.
const BEFORE: usize = 40;
/// The size of the disk: small enough to fill at once.
const DISK_MIB: u32 = 24;
/// How soon work goes on once there is room (G21).
const GOES_ON_WITHIN: Duration = Duration::from_secs(30);
/// How long the job is watched while the disk stays full: several looks for room.
const STAYS_FULL: Duration = Duration::from_secs(6);

/// Takes all that is free, in one step: what the ledger gives free afterwards is its own.
async fn fill(disk: &Path) -> Result<()> {
    let filler = File::create(disk.join("filler"))?;
    until("the disk to be full", DONE_WITHIN, async || {
        let facts = statvfs(disk)?;
        let free = facts.f_bavail * facts.f_frsize;
        match fallocate(&filler, FallocateFlags::empty(), 0, free.max(1)) {
            Ok(()) => Ok(Some(())),
            // A commit was quicker: what is free is less by now.
            Err(Errno::NOSPC) => Ok(None),
            Err(error) => Err(error.into()),
        }
    })
    .await
}

/// What the database says. Its disk is seen by the server alone, so a copy is read, taken while it stands still.
fn look(home: &Home, server: &Process, job: &str) -> Result<Look> {
    let (disk, copy) = (server.disk(home), tempfile::tempdir_in(home.path())?);
    server.freeze()?;
    for name in ["onward.db", "onward.db-wal"] {
        std::fs::copy(disk.join(name), copy.path().join(name))?;
    }
    server.thaw()?;
    Ledger::open(&copy.path().join("onward.db"))?.look(job)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_held_while_the_disk_is_full_and_goes_on_by_itself() -> Result<()> {
    let home = Home::new(BINARY)?.with_secret("HOOK", SECRET);
    let Some(home) = home.on_a_disk_of(DISK_MIB) else { return Ok(()) };
    let upstream = Upstream::start(Script::default().latency(Duration::from_millis(40)))?;
    let receiver = Receiver::start()?;
    let truth = CreatorsJob::plain("full", ROWS, &upstream.url()).with_table(&receiver.recipe());
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let job = api.submit(&truth).await?;
    let calls = || async { Ok((upstream.count() >= BEFORE).then_some(())) };
    until("some calls", DONE_WITHIN, calls).await?;

    let disk = server.disk(&home);
    let running = look(&home, &server, &job)?;
    fill(&disk).await?;
    let paused = |job: &Value| job["status"] == "paused";
    let held = api.job_when(&job, "the job to be held", DONE_WITHIN, paused).await;
    let held = held.with_context(|| home.log_tail())?;
    ensure!(held["pause"]["reason"] == "disk-full", "{held}");
    ensure!(held["results"]["failed"] == 0 && held["processed_items"] == upstream.count(), "{held}");
    ensure!(api.page(&format!("/jobs/{job}")).await?.contains("Paused: disk full"));
    let other = api.submit(&CreatorsJob::plain("more", 20_000, &upstream.url())).await;
    ensure!(other.is_err_and(|refused| refused.to_string().contains("disk-full")));
    ensure!(!api.is_ready().await, "it takes no more work");

    // Nothing is to happen for as long as there is no room.
    pass(STAYS_FULL).await;
    let still = api.job(&job).await?;
    ensure!(still["status"] == "paused" && still["epoch"] == held["epoch"], "{still}");
    let full = look(&home, &server, &job)?;

    std::fs::remove_file(disk.join("filler"))?;
    let since = now();
    api.job_when(&job, "the job to go on", DONE_WITHIN, |job| !paused(job)).await?;
    let waited = since.elapsed();
    ensure!(waited < GOES_ON_WITHIN, "it went on {waited:?} after there was room");
    let done = |job: &Value| job["status"] == "completed";
    let shown = api.job_when(&job, "the job to be completed", DONE_WITHIN, done).await?;

    let kinds: Vec<Value> =
        api.timeline(&job).await?.into_iter().map(|mut event| event["kind"].take()).collect();
    let turns: Vec<&Value> = kinds.iter().filter(|kind| *kind == "paused" || *kind == "resumed").collect();
    ensure!(turns == [&json!("paused"), &json!("resumed")], "held once, gone on once: {kinds:?}");
    let letters = || async {
        let bodies: Vec<String> = receiver
            .letters()
            .iter()
            .map(|letter| String::from_utf8_lossy(&letter.body).into_owned())
            .collect();
        Ok((bodies.len() >= 2).then_some(bodies))
    };
    let letters = until("the hook to be told", DONE_WITHIN, letters).await?;
    ensure!(letters.iter().any(|body| body.contains("disk-full")), "{letters:?}");
    let calls = upstream.calls();
    let evidence = Evidence {
        expected: &truth.expected,
        looks: &[running, full, look(&home, &server, &job)?],
        shown: &[held, still, shown],
        calls: &calls,
        export: &api.text(&format!("/jobs/{job}/export?format=csv")).await?,
        crashes: 0, // what was in hand was saved, so no row is called twice
    };
    let problems = evidence.problems();
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    Ok(())
}
