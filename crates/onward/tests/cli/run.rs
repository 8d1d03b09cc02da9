//! `onward run`: to the end, and on from where it stopped.

use std::collections::HashMap;
use std::time::Duration;

use onward_testkit::upstream::{Behaviour, Reply};
use onward_testkit::{CreatorsJob, Script, Upstream, until};

use super::desk::{Desk, LIMIT};

const RUN: &[&str] = &["run", "creators.csv", "--recipe", "recipe.toml"];

/// Waits until the upstream has seen so many calls.
async fn called(upstream: &Upstream, calls: usize) {
    until("calls", LIMIT, || async { Ok((upstream.count() >= calls).then_some(())) }).await.unwrap();
}

fn calls_per_handle(upstream: &Upstream) -> HashMap<String, usize> {
    upstream.calls().into_iter().fold(HashMap::new(), |mut counts, call| {
        *counts.entry(call.handle).or_default() += 1;
        counts
    })
}

#[test]
fn a_run_does_every_row_and_a_second_one_says_that_all_is_done() {
    let desk = Desk::new();
    let upstream = Upstream::start(Script::default()).unwrap();
    desk.lay(&CreatorsJob::plain("all", 40, &upstream.url()));
    let said = desk.type_in(RUN).ends_with(0);
    assert!(said.err.contains("done, 40/40 with 0 failed: 40 added"), "{}", said.err);
    assert_eq!(said.out, "", "a run prints no data unless asked");
    let again = desk.type_in(RUN).ends_with(0);
    assert!(again.err.contains("every row of creators.csv is done already"), "{}", again.err);
    assert_eq!(upstream.count(), 40);
    desk.type_in(&["verify", "last"]).ends_with(0);
}

#[test]
fn failed_rows_end_a_run_with_3_and_are_listed_with_their_reasons() {
    let desk = Desk::new();
    let script =
        Script::default().handle(onward_testkit::jobs::handle("some", 7), Behaviour::reply(Reply::Forbidden));
    let upstream = Upstream::start(script).unwrap();
    desk.lay(&CreatorsJob::plain("some", 20, &upstream.url()));
    let said = desk.type_in(&[RUN, &["--json"]].concat()).ends_with(3);
    assert!(said.err.contains("20/20 with 1 failed"), "{}", said.err);
    assert_eq!(said.json()["results"]["failed"], 1);
    let rows = desk.type_in(&["rows", "last", "--outcome", "failed", "--json"]).ends_with(0);
    assert_eq!(rows.json()["row"], 7);
    let errors = desk.type_in(&["errors", "last"]).ends_with(0).out;
    assert_eq!(errors.lines().count(), 2, "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_finishes_the_rows_in_hand_and_the_next_run_goes_on_behind_them() {
    let desk = Desk::new();
    let upstream = Upstream::start(Script::default().latency(Duration::from_millis(30))).unwrap();
    desk.lay(&CreatorsJob::plain("ctrlc", 120, &upstream.url()));
    let running = desk.start(RUN);
    called(&upstream, 30).await;
    running.interrupt();
    let said = running.end().ends_with(130);
    assert!(said.err.contains("goes on with:") && said.err.contains("run creators.csv"), "{}", said.err);
    let stopped = desk.last_job();
    assert_eq!(stopped["status"], "paused", "{stopped}");
    let done = stopped["processed_items"].as_u64().unwrap();
    assert!((22..120).contains(&done), "{done}");
    let said = desk.type_in(RUN).ends_with(0);
    assert!(said.err.contains("goes on from row"), "{}", said.err);
    assert!(said.err.contains("done, 120/120 with 0 failed"), "{}", said.err);
    let repeated: Vec<_> = calls_per_handle(&upstream).into_iter().filter(|(_, calls)| *calls > 1).collect();
    assert!(repeated.is_empty(), "a polite stop repeats no call: {repeated:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_killed_goes_on_and_calls_again_only_what_was_in_hand() {
    let desk = Desk::new();
    let upstream = Upstream::start(Script::default().latency(Duration::from_millis(30))).unwrap();
    desk.lay(&CreatorsJob::plain("killed", 120, &upstream.url()));
    let running = desk.start(RUN);
    called(&upstream, 40).await;
    running.kill();
    let before = upstream.count();
    let again = desk.start(RUN);
    // A lease lasts 12 s; whoever waited for it to lapse would be later.
    let soon = Duration::from_secs(8);
    until("the next call", soon, || async { Ok((upstream.count() > before).then_some(())) }).await.unwrap();
    let said = again.end().ends_with(0);
    assert!(said.err.contains("goes on from row"), "{}", said.err);
    assert!(said.err.contains("done, 120/120 with 0 failed"), "{}", said.err);
    let calls = calls_per_handle(&upstream);
    assert_eq!(calls.len(), 120);
    let repeats: usize = calls.values().map(|calls| calls - 1).sum();
    assert!(repeats <= 8, "{repeats} calls were repeated; 8 were in flight");
    desk.type_in(&["verify", "last"]).ends_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ctrl_c_ends_at_once_though_a_call_hangs() {
    let desk = Desk::new();
    let script =
        Script::default().handle(onward_testkit::jobs::handle("twice", 5), Behaviour::reply(Reply::Hang));
    let upstream = Upstream::start(script).unwrap();
    desk.lay(&CreatorsJob::plain("twice", 30, &upstream.url()));
    let running = desk.start(RUN);
    called(&upstream, 30).await;
    let before = onward_testkit::now();
    running.interrupt();
    running.says("Ctrl-C again stops at once").await;
    running.interrupt();
    running.end().ends_with(130);
    assert!(before.elapsed() < Duration::from_secs(9), "it waited for the call that hangs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_beside_a_server_lets_the_server_work_and_follows() {
    let desk = Desk::new();
    let upstream = Upstream::start(Script::default()).unwrap();
    desk.lay(&CreatorsJob::plain("beside", 30, &upstream.url()));
    let server = desk.serve(&[]).await;
    let said = desk.type_in(RUN).ends_with(0);
    assert!(said.err.contains("the server at http://127.0.0.1:"), "{}", said.err);
    assert!(said.err.contains("done, 30/30 with 0 failed"), "{}", said.err);
    let again = desk.type_in(RUN).ends_with(0);
    assert!(again.err.contains("is done already"), "{}", again.err);
    assert_eq!(upstream.count(), 30);
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_from_elsewhere_ends_with_5_and_goes_on_when_run_again() {
    let desk = Desk::new();
    let upstream = Upstream::start(Script::default().latency(Duration::from_millis(40))).unwrap();
    desk.lay(&CreatorsJob::plain("elsewhere", 150, &upstream.url()));
    let running = desk.start(RUN);
    called(&upstream, 20).await;
    desk.type_in(&["cancel", "last"]).ends_with(0);
    let said = running.end().ends_with(5);
    assert!(said.err.contains("cancelled at"), "{}", said.err);
    assert!(desk.type_in(RUN).ends_with(0).err.contains("done, 150/150"));
}
