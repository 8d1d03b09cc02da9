//! Steering a job: a few rows and ask, other limits while it runs.

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
    let more = desk.type_in(&[RUN, &["--first", "5"]].concat()).ends_with(0);
    assert!(more.err.contains("15/40"), "{}", more.err);
    let rest = desk.type_in(RUN).ends_with(0);
    assert!(rest.err.contains("done, 40/40 with 0 failed"), "{}", rest.err);
    assert_eq!(upstream.count(), 40, "no row was called twice");
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
