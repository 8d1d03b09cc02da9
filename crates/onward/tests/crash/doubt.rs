//! Rows whose call may have happened when the process was killed: known, held for a person, or tried alone.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use onward_testkit::jobs::handle;
use onward_testkit::upstream::{Behaviour, Reply};
use onward_testkit::{Api, CreatorsJob, Home, Script, Upstream, until};
use serde_json::{Value, json};

use crate::{BINARY, DONE_WITHIN};

/// Waits until the upstream has seen so many calls.
async fn calls(upstream: &Upstream, count: usize) -> Result<()> {
    until("calls", DONE_WITHIN, || async { Ok((upstream.count() >= count).then_some(())) }).await
}

fn calls_for(upstream: &Upstream, handle: &str) -> usize {
    upstream.calls().iter().filter(|call| call.handle == handle).count()
}

/// The rows of a list of the API.
async fn rows(api: &Api, path: &str) -> Result<Vec<Value>> {
    let body = api.get(path).await?.body;
    Ok(body["rows"].as_array().with_context(|| format!("no rows: {body}"))?.clone())
}

/// The process is killed whenever row 3 is under way: three times among others, once alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_kills_the_process_fails_as_poison_and_its_neighbours_are_added() -> Result<()> {
    let home = Home::new(BINARY)?;
    let deadly = handle("poison", 3);
    let upstream = Upstream::start(Script::default().handle(&deadly, Behaviour::reply(Reply::Hang)))?;
    let truth = CreatorsJob::plain("poison", 30, &upstream.url());
    upstream.hold();
    let mut job = None;
    for death in 1..=3 {
        let mut server = home.serve(&[])?;
        let api = home.ready(&mut server).await?;
        if job.is_none() {
            job = Some(api.submit(&truth).await?);
        }
        calls(&upstream, 8 * death).await.with_context(|| home.log_tail())?;
        server.kill()?;
    }
    let job = job.context("it was submitted")?;
    ensure!(calls_for(&upstream, &deadly) == 3, "it was in flight each time");
    upstream.release();
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    until("the row to be tried alone", DONE_WITHIN, || async {
        Ok((calls_for(&upstream, &deadly) == 4).then_some(()))
    })
    .await?;
    ensure!(upstream.open() == 1, "{} calls beside it", upstream.open() - 1);
    let doubts = rows(&api, &format!("/jobs/{job}/in-doubt")).await?;
    let known = doubts.iter().find(|row| row["row"] == 3).context("it is in doubt")?;
    ensure!(known["deaths"] == 3 && known["key"] == json!(deadly) && known["stand"] == "again", "{known}");
    server.kill()?;

    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let done = |job: &Value| job["status"] == "completed";
    let ended = api.job_when(&job, "the job to be completed", DONE_WITHIN, done).await?;
    ensure!(ended["results"]["added"] == 29 && ended["results"]["failed"] == 1, "{ended}");
    let failed = rows(&api, &format!("/jobs/{job}/rows?outcome=failed")).await?;
    ensure!(failed.len() == 1 && failed[0]["row"] == 3 && failed[0]["code"] == "poison", "{failed:?}");
    ensure!(calls_for(&upstream, &deadly) == 4, "it is not called again");
    ensure!(rows(&api, &format!("/jobs/{job}/in-doubt")).await?.is_empty(), "nothing is in doubt any more");
    Ok(())
}

/// Exactly the rows that were called wait; one is said to be done, the others are called once more.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_rows_in_doubt_wait_for_a_person_and_are_settled() -> Result<()> {
    let home = Home::new(BINARY)?;
    let upstream = Upstream::start(Script::default())?;
    let mut truth = CreatorsJob::plain("held", 20, &upstream.url());
    truth.recipe = format!(
        "key = ['handle']\n[work]\nkind = 'http'\nurl = '{}/rows'\nconcurrency = 4\n[in_doubt]\npolicy = 'hold'\n",
        upstream.url()
    );
    upstream.hold();
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let job = api.submit(&truth).await?;
    calls(&upstream, 4).await.with_context(|| home.log_tail())?;
    server.kill()?;
    let called: BTreeSet<String> = upstream.calls().into_iter().map(|call| call.handle).collect();

    upstream.release();
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let held = |job: &Value| job["pause"]["reason"] == "in-doubt";
    let waits = api.job_when(&job, "the job to wait for a person", DONE_WITHIN, held).await?;
    ensure!(waits["processed_items"] == 16 && waits["status"] == "paused", "{waits}");
    ensure!(waits["in_doubt_rows"] == 4, "{waits}");
    let doubts = rows(&api, &format!("/jobs/{job}/in-doubt")).await?;
    let known: BTreeSet<String> =
        doubts.iter().filter_map(|row| row["key"].as_str().map(str::to_owned)).collect();
    ensure!(known == called, "in doubt are {known:?}, called were {called:?}");
    ensure!(doubts.iter().all(|row| row["stand"] == "held"), "{doubts:?}");
    let page = api.page(&format!("/jobs/{job}")).await?;
    ensure!(page.contains("The chosen are done") && page.contains("waits for you"), "the page asks");
    ensure!(page.contains("In doubt: 4 rows"), "the page says how many");

    let settle = |rows: &[u64], answer: &str| json!({"rows": rows, "answer": answer});
    let answer = api.post(&format!("/jobs/{job}/in-doubt"), &settle(&[99], "done")).await?;
    ensure!(answer.status == 409 && answer.body["code"] == "nothing-in-doubt", "{answer:?}");
    let answer = api.post(&format!("/jobs/{job}/in-doubt"), &settle(&[2], "done")).await?;
    ensure!(answer.status == 200 && answer.body["count"] == 1, "{answer:?}");
    api.job_when(&job, "the job to wait again", DONE_WITHIN, |job| held(job) && job["processed_items"] == 17)
        .await?;
    let mut again = home.start(&["settle", "last", "--again"])?;
    let ended = until("the command to end", DONE_WITHIN, || {
        let ended = again.ended();
        async move { ended }
    })
    .await?;
    ensure!(ended.success(), "it ended with {ended}: {}", home.log_tail());
    let done = |job: &Value| job["status"] == "completed";
    let ended = api.job_when(&job, "the job to be completed", DONE_WITHIN, done).await?;
    ensure!(ended["results"]["added"] == 20 && ended["in_doubt_rows"] == 0, "{ended}");
    let all = rows(&api, &format!("/jobs/{job}/rows")).await?;
    ensure!(all[1]["code"] == "settled" && all[0]["code"] == "added", "{all:?}");
    for row in 1..=20 {
        let expected = if [1, 3, 4].contains(&row) { 2 } else { 1 };
        ensure!(calls_for(&upstream, &handle("held", row)) == expected, "calls for row {row}");
    }
    Ok(())
}

/// Of four calls in flight two have acted before the kill: these are confirmed by the target, not called again.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_the_target_is_asked_and_what_it_has_done_is_not_done_again() -> Result<()> {
    let home = Home::new(BINARY)?;
    let (acted, lost) = ([1, 2], [3, 4]);
    let mut script = Script::default();
    for (rows, reply) in [(acted, Reply::ActsAndHangs), (lost, Reply::Hang)] {
        for row in rows {
            script = script.handle(handle("asked", row), Behaviour::reply(reply));
        }
    }
    let upstream = Upstream::start(script)?;
    let url = upstream.url();
    let mut truth = CreatorsJob::plain("asked", 20, &url);
    truth.recipe = format!(
        "key = ['handle']\n[work]\nkind = 'http'\nurl = '{url}/rows'\nconcurrency = 4\n[in_doubt]\npolicy = 'ask'\n\
         url = '{url}/known/{{{{ handle }}}}'\n"
    );
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let job = api.submit(&truth).await?;
    let in_flight = |rows: [u64; 2], acts: u32| {
        rows.iter().all(|row| {
            let handle = handle("asked", *row);
            calls_for(&upstream, &handle) == 1 && upstream.effects(&handle) == acts
        })
    };
    until("four calls in flight, two of which have acted", DONE_WITHIN, async || {
        Ok((in_flight(acted, 1) && in_flight(lost, 0)).then_some(()))
    })
    .await
    .with_context(|| home.log_tail())?;
    server.kill()?;
    ensure!(upstream.asked().is_empty() && upstream.count() == 4, "nobody was in doubt before");

    upstream.follow(Script::default());
    let mut server = home.serve(&[])?;
    let api = home.ready(&mut server).await?;
    let done = |job: &Value| job["status"] == "completed";
    let ended = api.job_when(&job, "the job to be completed", DONE_WITHIN, done).await?;
    ensure!(ended["results"]["added"] == 20 && ended["in_doubt_rows"] == 0, "{ended}");
    let asked: BTreeSet<String> = upstream.asked().into_iter().collect();
    let in_doubt: BTreeSet<String> = (1..=4).map(|row| handle("asked", row)).collect();
    ensure!(asked == in_doubt, "asked about {asked:?}");
    let all = rows(&api, &format!("/jobs/{job}/rows")).await?;
    for row in 1..=20 {
        let handle = handle("asked", row);
        let (calls, code) = match row {
            1 | 2 => (1, "confirmed"),
            3 | 4 => (2, "added"),
            _ => (1, "added"),
        };
        let made = calls_for(&upstream, &handle);
        ensure!(made == calls && upstream.effects(&handle) == 1, "row {row} was called {made} times");
        let index = usize::try_from(row - 1)?;
        ensure!(all[index]["code"] == code, "{}", all[index]);
    }
    let proof = api.get(&format!("/jobs/{job}/verify")).await?.body;
    ensure!(proof["ok"] == true, "{proof}");
    Ok(())
}
