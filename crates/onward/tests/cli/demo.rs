//! `onward demo`: starts with nothing, survives kill -9, ends cleanly.

use onward_testkit::until;
use serde_json::Value;

use super::desk::{Desk, LIMIT};

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_does_rows_is_killed_and_goes_on_where_it_was() {
    let desk = Desk::new();
    let data = desk.path().join(".onward/demo");
    let start = || desk.start(&["demo", "--listen", "127.0.0.1:0", "--port", "0"]);
    let mut demo = start();
    desk.found(&mut demo, &data).await;
    let before = rows_done(&desk, 12).await;
    assert_eq!(before["total_items"], 313);
    demo.kill();

    // The port of the sample API is remembered, so the job finds its upstream again.
    let mut demo = desk.start(&["demo", "--listen", "127.0.0.1:0"]);
    desk.found(&mut demo, &data).await;
    let done = before["processed_items"].as_u64().unwrap();
    let after = rows_done(&desk, done + 10).await;
    assert_eq!(after["job_id"], before["job_id"]);
    demo.interrupt();
    let said = demo.end().ends_with(0);
    assert!(said.err.contains("The sample job goes on from row"), "{}", said.err);
    assert!(said.err.contains("stopped at"), "{}", said.err);
    assert!(!data.join("server.json").exists());

    let mut fresh = start_fresh(&desk);
    desk.found(&mut fresh, &data).await;
    let jobs = verb(&desk, &["list", "--json"]);
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 1);
    assert_ne!(jobs["jobs"][0]["job_id"], before["job_id"]);
}

fn start_fresh(desk: &Desk) -> super::desk::Running {
    desk.start(&["demo", "--fresh", "--listen", "127.0.0.1:0", "--port", "0"])
}

/// Waits until the sample job has so many rows.
async fn rows_done(desk: &Desk, rows: u64) -> Value {
    until("rows of the sample job", LIMIT, || async {
        let job = verb(desk, &["show", "last", "--json"]);
        Ok((job["processed_items"].as_u64() >= Some(rows)).then_some(job))
    })
    .await
    .unwrap()
}

fn verb(desk: &Desk, args: &[&str]) -> Value {
    desk.type_in(&[args, &["--data-dir", ".onward/demo"]].concat()).ends_with(0).json()
}
