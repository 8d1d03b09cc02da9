//! The verbs beside a running server: they find it by themselves and talk to it.

use std::time::Duration;

use onward_testkit::upstream::{Behaviour, Reply};
use onward_testkit::{CreatorsJob, Script, Upstream, until};

use super::desk::{Desk, LIMIT};

const SUBMIT: &[&str] = &["submit", "creators.csv", "--recipe", "recipe.toml"];

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_submitted_watched_read_exported_and_verified() {
    let desk = Desk::new();
    let script = Script::default()
        .handle(onward_testkit::jobs::handle("life", 3), Behaviour::reply(Reply::Forbidden))
        .handle(onward_testkit::jobs::handle("life", 4), Behaviour::followers(10));
    let upstream = Upstream::start(script).unwrap();
    desk.lay(&CreatorsJob::plain("life", 20, &upstream.url()));
    let _server = desk.serve(&[]).await;

    let id = desk.type_in(SUBMIT).ends_with(0).out.trim().to_owned();
    let watched = desk.type_in(&["watch", &id, "--json"]).ends_with(3);
    assert_eq!(watched.json()["processed_items"], 20);
    assert!(desk.type_in(&["list"]).ends_with(0).out.contains(&id));
    let shown = desk.type_in(&["show", &id]).ends_with(0).out;
    assert!(shown.contains("20/20 with 1 failed") && shown.contains("possible    retry"), "{shown}");
    let filtered = desk.type_in(&["rows", &id, "--outcome", "filtered", "--json"]).ends_with(0);
    assert_eq!(filtered.json()["row"], 4);
    let export = desk.type_in(&["export", &id]).ends_with(0).out;
    assert_eq!(export.lines().count(), 21, "{export}");
    let header = export.lines().next().unwrap();
    assert!(header.ends_with("onward_row,onward_outcome,onward_code,onward_message"), "{header}");
    let written =
        desk.type_in(&["export", &id, "--outcome", "failed", "--output", "failed.csv"]).ends_with(0);
    assert_eq!(written.out, "");
    let failed = std::fs::read_to_string(desk.path().join("failed.csv")).unwrap();
    assert_eq!(failed.lines().count(), 2, "{failed}");
    let said =
        desk.type_in(&["export", &id, "--outcome", "failed", "-o", "again.csv", "--json"]).ends_with(0);
    let said = said.json();
    assert_eq!(
        (&said["file"], &said["format"], &said["outcome"]),
        (&"again.csv".into(), &"csv".into(), &"failed".into())
    );
    assert_eq!((&said["job_id"], &said["bytes"]), (&id.as_str().into(), &failed.len().into()));
    assert_eq!(std::fs::read_to_string(desk.path().join("again.csv")).unwrap(), failed);
    let refused = desk.type_in(&["export", &id, "--json"]).ends_with(2);
    assert!(refused.out.is_empty() && refused.err.contains("--output FILE"), "{}", refused.err);
    assert_eq!(desk.type_in(&["verify", &id, "--json"]).ends_with(0).json()["ok"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_cancelled_resumed_and_goes_on_at_the_exact_row() {
    let desk = Desk::new();
    let upstream = Upstream::start(Script::default().latency(Duration::from_millis(30))).unwrap();
    desk.lay(&CreatorsJob::plain("again", 100, &upstream.url()));
    let _server = desk.serve(&[]).await;
    let id = desk.type_in(SUBMIT).ends_with(0).out.trim().to_owned();
    until("twenty calls", LIMIT, || async { Ok((upstream.count() >= 20).then_some(())) }).await.unwrap();

    let cancelled = desk.type_in(&["cancel", &id]).ends_with(0);
    assert!(cancelled.err.contains("Job cancelled"), "{}", cancelled.err);
    desk.type_in(&["watch", &id]).ends_with(5);
    let from = desk.type_in(&["show", &id, "--json"]).json()["resume_from_row"].as_u64().unwrap();
    let resumed = desk.type_in(&["resume", &id, "--json"]).ends_with(0).json();
    assert_eq!(resumed["message"], "Job resumed successfully");
    assert_eq!(resumed["resumed_from_row"], from);
    let refused = desk.type_in(&["resume", &id]).ends_with(6);
    assert!(refused.err.contains("possible now:"), "{}", refused.err);
    desk.type_in(&["watch", &id]).ends_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_job_is_restarted_only_with_force_and_a_paused_one_goes_on() {
    let desk = Desk::new();
    let upstream = Upstream::start(Script::default()).unwrap();
    upstream.hold();
    desk.lay(&CreatorsJob::plain("force", 30, &upstream.url()));
    let _server = desk.serve(&[]).await;
    let id = desk.type_in(SUBMIT).ends_with(0).out.trim().to_owned();
    until("calls", LIMIT, || async { Ok((upstream.open() >= 8).then_some(())) }).await.unwrap();

    assert!(desk.type_in(&["restart", &id]).ends_with(6).err.contains("--force"));
    let restarted = desk.type_in(&["restart", &id, "--force"]).ends_with(0);
    assert!(restarted.err.contains("Job restarted successfully"), "{}", restarted.err);
    desk.type_in(&["pause", &id]).ends_with(0);
    desk.type_in(&["delete", &id]).ends_with(6);
    desk.type_in(&["resume", &id]).ends_with(0);
    upstream.release();
    desk.type_in(&["watch", &id]).ends_with(0);
    desk.type_in(&["delete", &id]).ends_with(0);
    desk.type_in(&["show", &id]).ends_with(7);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_rows_are_done_once_more() {
    let desk = Desk::new();
    let handle = onward_testkit::jobs::handle("more", 3);
    let script = Script::default().handle(handle, Behaviour::reply(Reply::Forbidden));
    let upstream = Upstream::start(script).unwrap();
    desk.lay(&CreatorsJob::plain("more", 10, &upstream.url()));
    let _server = desk.serve(&[]).await;
    desk.type_in(&[SUBMIT, &["--watch"]].concat()).ends_with(3);
    upstream.follow(Script::default());
    let retried = desk.type_in(&["retry", "last"]).ends_with(0);
    assert!(retried.err.contains("1 row is opened again"), "{}", retried.err);
    desk.type_in(&["watch", "last"]).ends_with(0);
    desk.type_in(&["retry", "last"]).ends_with(6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_store_is_refused() {
    let desk = Desk::new();
    let _server = desk.serve(&[]).await;
    let said = desk.type_in(&["serve", "--listen", "127.0.0.1:0"]).ends_with(6);
    assert!(said.err.contains("is in use by process"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_polite_kill_ends_the_server_takes_its_note_away_and_gives_rows_back() {
    let desk = Desk::new();
    let upstream = Upstream::start(Script::default().latency(Duration::from_millis(30))).unwrap();
    desk.lay(&CreatorsJob::plain("polite", 60, &upstream.url()));
    let server = desk.serve(&[]).await;
    desk.type_in(SUBMIT).ends_with(0);
    until("calls", LIMIT, || async { Ok((upstream.count() >= 10).then_some(())) }).await.unwrap();
    server.terminate();
    server.end().ends_with(0);
    assert!(!desk.data().join("server.json").exists());
    assert_eq!(desk.last_job()["workers"], serde_json::json!([]), "a span is still held");
    assert_eq!(desk.last_job()["status"], "running");
    let _second = desk.serve(&[]).await;
    desk.type_in(&["watch", "last"]).ends_with(0);
    assert_eq!(upstream.count(), 60, "a polite stop repeats no call");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_beside_a_server_that_does_no_work_does_it() {
    let desk = Desk::new();
    let upstream = Upstream::start(Script::default()).unwrap();
    desk.lay(&CreatorsJob::plain("worker", 20, &upstream.url()));
    let _server = desk.serve(&["--no-work"]).await;
    desk.type_in(SUBMIT).ends_with(0);
    assert_eq!(desk.last_job()["status"], "queued");
    let worker = desk.start(&["worker"]);
    desk.type_in(&["watch", "last"]).ends_with(0);
    worker.interrupt();
    worker.end().ends_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_goes_on_through_a_restart_of_the_server() {
    let desk = Desk::new();
    let upstream = Upstream::start(Script::default().latency(Duration::from_millis(40))).unwrap();
    desk.lay(&CreatorsJob::plain("through", 80, &upstream.url()));
    let mut server = desk.serve(&[]).await;
    let note = desk.found(&mut server, &desk.data()).await;
    let address = note["address"].as_str().unwrap().to_owned();
    desk.type_in(SUBMIT).ends_with(0);
    let watching = desk.start(&["watch", "last"]);
    until("calls", LIMIT, || async { Ok((upstream.count() >= 20).then_some(())) }).await.unwrap();
    server.kill();
    let mut second = desk.start(&["serve", "--listen", &address]);
    desk.found(&mut second, &desk.data()).await;
    let said = watching.end().ends_with(0);
    assert!(said.err.contains("done, 80/80"), "{}", said.err);
}
