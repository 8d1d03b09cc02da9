//! Hooks while processes die and others work beside: what was to be told is told, and by one process at a time.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use onward_testkit::postgres::{Disk, left_out};
use onward_testkit::receiver::{Receiver, SECRET};
use onward_testkit::{Api, CreatorsJob, Home, Postgres, Script, Upstream, until};
use serde_json::Value;

use crate::{BINARY, DONE_WITHIN};

async fn completed(api: &Api, job: &str) -> Result<Value> {
    api.job_when(job, "the job to be completed", DONE_WITHIN, |job| job["status"] == "completed").await
}

/// The deliveries of a job, once all of them were delivered and there are so many.
async fn delivered(api: &Api, job: &str, count: usize) -> Result<Vec<Value>> {
    until("the deliveries to be delivered", DONE_WITHIN, async || {
        let list = api.get(&format!("/jobs/{job}/deliveries")).await?.body;
        let all = list["deliveries"].as_array().cloned().unwrap_or_default();
        let done = all.len() == count && all.iter().all(|one| one["state"] == "delivered");
        Ok(done.then_some(all))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_the_end_of_a_job_and_its_delivery_the_next_process_delivers_it() -> Result<()> {
    killed_before_its_word_is_out(&Home::new(BINARY)?.with_secret("HOOK", SECRET)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_a_delivery_on_postgres_the_next_process_delivers_it_too() -> Result<()> {
    if left_out() {
        return Ok(());
    }
    let postgres = Postgres::start(Disk::Quick)?;
    killed_before_its_word_is_out(&Home::sharing(BINARY, &postgres.url(), None)?.with_secret("HOOK", SECRET))
        .await
}

async fn killed_before_its_word_is_out(home: &Home) -> Result<()> {
    let (upstream, receiver) = (Upstream::start(Script::default())?, Receiver::start()?);
    receiver.hold();
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let truth = CreatorsJob::plain("killed", 5, &upstream.url()).with_table(&receiver.recipe());
    let job = api.submit(&truth).await?;
    completed(&api, &job).await?;
    until("the first call to the receiver", DONE_WITHIN, async || {
        Ok((!receiver.letters().is_empty()).then_some(()))
    })
    .await?;
    server.kill()?;
    receiver.release();

    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let told = delivered(&api, &job, 1).await?;
    let letters = receiver.signed_letters(SECRET)?;
    ensure!(letters.len() == 2, "the call that nobody saw the end of, and the one after it: {letters:?}");
    ensure!(letters[0].id == letters[1].id && letters[0].body == letters[1].body, "{letters:?}");
    ensure!(told[0]["delivery_id"] == letters[0].id && told[0]["tries"] == 1, "{told:?}");
    Ok(())
}

/// Two servers and a worker on one database look at the same outbox every second.
#[tokio::test(flavor = "multi_thread")]
async fn processes_beside_each_other_send_every_delivery_once() -> Result<()> {
    const JOBS: usize = 12;
    const ROWS: usize = 3;
    if left_out() {
        return Ok(());
    }
    let postgres = Postgres::start(Disk::Quick)?;
    let (upstream, receiver) = (Upstream::start(Script::default())?, Receiver::start()?);
    let home =
        || Ok::<_, anyhow::Error>(Home::sharing(BINARY, &postgres.url(), None)?.with_secret("HOOK", SECRET));
    let (one, other) = (home()?, home()?);
    let (mut first, mut second) = (one.serve(&[])?, other.serve(&[])?);
    let api = one.ready(&mut first).await?;
    other.ready(&mut second).await?;
    let _worker = other.start(&["worker"])?;
    // All come to their end at the same moment.
    upstream.hold();
    let mut jobs = Vec::new();
    for no in 0..JOBS {
        let truth = CreatorsJob::plain(&format!("beside{no}"), ROWS as u64, &upstream.url());
        jobs.push(api.submit(&truth.with_table(&receiver.recipe())).await?);
    }
    until("all rows to be in flight", DONE_WITHIN, async || {
        Ok((upstream.open() >= JOBS * ROWS).then_some(()))
    })
    .await?;
    upstream.release();
    for job in &jobs {
        delivered(&api, job, 1).await?;
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for letter in receiver.signed_letters(SECRET)? {
        *seen.entry(letter.id).or_default() += 1;
    }
    ensure!(seen.len() == JOBS && seen.values().all(|times| *times == 1), "{seen:?}");
    Ok(())
}
