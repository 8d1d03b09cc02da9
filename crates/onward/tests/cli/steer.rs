//! Steering a job: a few rows and ask, other limits while it runs.

use std::time::Duration;

use onward_testkit::upstream::{Behaviour, Reply};
use onward_testkit::{CreatorsJob, Script, Upstream, until};

use super::desk::{Desk, LIMIT};

const RUN: &[&str] = &["run", "creators.csv", "--recipe", "recipe.toml"];

#[test]
fn a_run_does_the_first_rows_and_asks() {
    let desk = Desk::new();
    let upstream = Upstream::start(Script::default()).unwrap();
    desk.lay(&CreatorsJob::plain("first", 40, &upstream.url()));
    let said = desk.type_in(&[RUN, &["--first", "10"]].concat()).ends_with(0);
    assert!(said.err.contains("are done, 10/40 with 0 failed: 10 added"), "{}", said.err);
    assert!(said.err.contains("onward rows"), "{}", said.err);
    assert!(said.err.contains("run creators.csv --recipe recipe.toml\n"), "{}", said.err);
    assert_eq!(upstream.count(), 10);
    assert_eq!(desk.last_job()["pause"]["reason"], "user");
    assert_eq!(desk.last_job()["in_doubt_rows"], 0, "what was never called is not in doubt");
    let more = desk.type_in(&[RUN, &["--first", "5"]].concat()).ends_with(0);
    assert!(more.err.contains("15/40"), "{}", more.err);
    let rest = desk.type_in(RUN).ends_with(0);
    assert!(rest.err.contains("done, 40/40 with 0 failed"), "{}", rest.err);
    assert_eq!(upstream.count(), 40, "no row was called twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_429_costs_no_try_and_the_wait_is_shown() {
    let desk = Desk::new();
    let handle = |row| onward_testkit::jobs::handle("storm", row);
    let script = (1..=12).fold(Script::default(), |script, row| {
        script.handle(handle(row), Behaviour::reply(Reply::Throttle { times: 1_000, retry_after_s: 2 }))
    });
    let upstream = Upstream::start(script).unwrap();
    let mut job = CreatorsJob::plain("storm", 12, &upstream.url());
    // One try a row: a refusal that cost one would fail it.
    job.recipe = job.recipe.replace("attempts = 6", "attempts = 1");
    desk.lay(&job);
    let running = desk.start(RUN);
    running.says("waiting for the rate limit, next call in").await;
    upstream.follow(Script::default());
    let said = running.end().ends_with(0);
    assert!(said.err.contains("done, 12/12 with 0 failed: 12 added"), "{}", said.err);
}

#[test]
fn a_target_that_says_no_call_is_left_is_left_alone_until_its_reset() {
    let desk = Desk::new();
    let handle = |row| onward_testkit::jobs::handle("last", row);
    let script = Script::default().handle(handle(3), Behaviour::reply(Reply::LastCall));
    let upstream = Upstream::start(script).unwrap();
    let mut job = CreatorsJob::plain("last", 6, &upstream.url());
    job.recipe = job.recipe.replace("concurrency = 8", "concurrency = 1");
    desk.lay(&job);
    desk.type_in(RUN).ends_with(0);
    let calls = upstream.calls();
    assert_eq!(calls.len(), 6);
    let wait = calls[3].began.duration_since(calls[2].ended.unwrap());
    assert!(wait >= Duration::from_millis(950), "the next call came after {wait:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_change_while_the_job_runs() {
    let desk = Desk::new();
    let upstream = Upstream::start(Script::default()).unwrap();
    let mut job = CreatorsJob::plain("tune", 60, &upstream.url());
    // At this rate the job takes an hour: it only ends in time when the change takes effect.
    job.recipe = job.recipe.replace("[work]\n", "[work]\nrate = \"1/min\"\n");
    desk.lay(&job);
    let _server = desk.serve(&[]).await;
    desk.type_in(&["submit", "creators.csv", "--recipe", "recipe.toml"]).ends_with(0);
    until("calls", LIMIT, || async { Ok((upstream.count() >= 1).then_some(())) }).await.unwrap();
    let tuned = desk.type_in(&["tune", "last", "--rate", "1000/s", "--breaker", "0"]).ends_with(0);
    assert!(tuned.err.contains("1000/s, no breaker"), "{}", tuned.err);
    let fast = desk.type_in(&["tune", "last", "--concurrency", "16", "--json"]).ends_with(0);
    assert_eq!((&fast.json()["concurrency"], &fast.json()["rate"]), (&16.into(), &"1000/s".into()));
    desk.type_in(&["watch", "last"]).ends_with(0);
    assert_eq!(upstream.count(), 60);
    desk.type_in(&["tune", "last"]).ends_with(2);
    desk.type_in(&["tune", "last", "--breaker", "20000"]).ends_with(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_lifted_with_none() {
    let desk = Desk::new();
    let upstream = Upstream::start(Script::default()).unwrap();
    let mut job = CreatorsJob::plain("lift", 20, &upstream.url());
    job.recipe = job.recipe.replace("[work]\n", "[work]\nrate = \"1/hour\"\n");
    desk.lay(&job);
    let _server = desk.serve(&[]).await;
    desk.type_in(&["submit", "creators.csv", "--recipe", "recipe.toml"]).ends_with(0);
    until("calls", LIMIT, || async { Ok((upstream.count() >= 1).then_some(())) }).await.unwrap();
    let lifted = desk.type_in(&["tune", "last", "--rate", "none"]).ends_with(0);
    assert!(lifted.err.contains("no limit of the rate"), "{}", lifted.err);
    desk.type_in(&["watch", "last"]).ends_with(0);
    assert_eq!(upstream.count(), 20);
}
