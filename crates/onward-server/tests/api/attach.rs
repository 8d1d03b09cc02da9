//! Another file under a job: the dry run, the exchange, and what is refused.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;

use crate::support::{Part, RECIPE, Server, csv, upload};

fn put(path: &str, parts: &[Part<'_>]) -> Request<Body> {
    let mut request = upload(path, parts);
    *request.method_mut() = Method::PUT;
    request
}

/// A cancelled job that has some of its five rows done.
async fn cancelled(server: &Server, rows: usize) -> String {
    let job = server.job(&csv(5)).await;
    server.gate.add_permits(rows);
    server.until(&job, |snapshot| snapshot.job.tally.processed() == rows as u64).await;
    assert_eq!(server.act(&job, "force-cancel").await.status, 200);
    job
}

#[tokio::test]
async fn an_edited_file_is_compared_first_and_what_is_done_stays_done() {
    let server = Server::shut().await;
    let job = cancelled(&server, 5 - 1).await;
    let open = server.get(&format!("/api/v1/jobs/{job}")).await.json()["resume_from_row"].as_u64().unwrap();
    // The other way round, with one row in front; the open row is the last but `open - 1` of six then.
    let lines: String = (1..=5).rev().map(|row| format!("anna{row},n{row}\n")).collect();
    let edited = format!("handle,note\nzoe,n0\n{lines}");
    let path = format!("/api/v1/jobs/{job}/input");
    let parts = [("file", Some("edited.csv"), &*edited)];
    let shown = server.send(put(&format!("{path}?dry_run=true"), &parts)).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let shown = shown.json();
    assert_eq!(
        json!([shown["attached"], shown["matched"], shown["changed"], shown["new"], shown["gone"]]),
        json!([false, 5, 0, 1, 0])
    );
    assert_eq!(shown["rows"], json!([{"kind": "new", "row": 1, "key": "zoe"}]));
    assert_eq!(shown["job"]["total_items"], 5);

    let attached = server.send(put(&path, &parts)).await.json();
    assert_eq!(json!([attached["attached"], attached["moved"]]), json!([true, 5]));
    assert_eq!(json!([attached["job"]["status"], attached["job"]["total_items"]]), json!(["cancelled", 6]));
    assert_eq!(attached["job"]["resume_from_row"], 1);
    assert_eq!(attached["job"]["generation"], 1, "a number may mean another row now");
    assert_eq!(attached["job"]["processed_items"], 4, "the new row and the one that was open are left");
    assert_eq!(server.act(&job, "resume").await.status, 202);
    // More than two: a call of before the cancel may take a permit along as it ends.
    server.gate.add_permits(100);
    server.until_status(&job, "completed").await;
    let rows = server.get(&format!("/api/v1/jobs/{job}/rows")).await.json();
    let rows = rows["rows"].as_array().unwrap().clone();
    for (at, row) in rows.iter().enumerate() {
        let handle = if at == 0 { "zoe".to_owned() } else { format!("anna{}", 6 - at) };
        assert_eq!((&row["key"], &row["fields"]["handle"]), (&json!(handle), &json!(handle)));
        assert_eq!(row["outcome"], "added");
    }
    assert_eq!(rows.len(), 6);
    assert!(open >= 1);
    let told = server.get(&format!("/api/v1/jobs/{job}/timeline")).await.text;
    assert!(told.contains("5 rows are the same, 0 changed, 1 are new"), "{told}");
    assert_eq!(server.get(&format!("/api/v1/jobs/{job}/verify")).await.json()["ok"], true);
}

#[tokio::test]
async fn a_job_at_work_is_compared_and_left_alone() {
    let server = Server::shut().await;
    let job = server.job(&csv(5)).await;
    server.until(&job, |snapshot| !snapshot.job.leases.is_empty()).await;
    let path = format!("/api/v1/jobs/{job}/input");
    let edited = csv(6);
    let parts = [("file", Some("list.csv"), &*edited)];
    let shown = server.send(put(&format!("{path}?dry_run=true"), &parts)).await.json();
    assert_eq!(shown["new"], 1);
    let refused = server.send(put(&path, &parts)).await;
    assert_eq!(refused.problem(), (409, "job-already-running".to_owned()));
    assert_eq!(server.get(&format!("/api/v1/jobs/{job}")).await.json()["total_items"], 5);
}

#[tokio::test]
async fn what_is_no_file_of_the_job_is_refused() {
    let server = Server::shut().await;
    let job = cancelled(&server, 2).await;
    let path = format!("/api/v1/jobs/{job}/input");
    let other = [("file", Some("list.csv"), "handle,note\nxena,1\n")];
    assert_eq!(server.send(put(&path, &other)).await.problem(), (422, "input-mismatch".to_owned()));
    let list = csv(5);
    let recipe = [("file", Some("list.csv"), &*list), ("recipe", None, RECIPE)];
    assert_eq!(server.send(put(&path, &recipe)).await.problem(), (400, "bad-request".to_owned()));
    assert_eq!(server.send(put(&path, &[])).await.problem(), (400, "bad-request".to_owned()));
    let nobody = "/api/v1/jobs/01890000-0000-7000-8000-000000000000/input";
    assert_eq!(server.send(put(nobody, &other)).await.problem(), (404, "job-not-found".to_owned()));
}

#[tokio::test]
async fn the_form_compares_and_then_attaches_without_scripts() {
    let server = Server::shut().await;
    let job = cancelled(&server, 2).await;
    let page = server.get(&format!("/jobs/{job}/attach")).await.text;
    assert!(page.contains("enctype=\"multipart/form-data\"") && page.contains("Compare"), "{page}");
    let edited = csv(6);
    let parts = [("file", Some("list.csv"), &*edited)];
    let compared = server.send(upload(&format!("/jobs/{job}/attach?dry_run=true"), &parts)).await;
    assert_eq!(compared.status, 200);
    assert!(
        compared.text.contains("How the file differs") && compared.text.contains("anna6"),
        "{}",
        compared.text
    );
    assert_eq!(server.get(&format!("/api/v1/jobs/{job}")).await.json()["total_items"], 5);
    let other = [("file", Some("list.csv"), "handle,note\nxena,1\n")];
    let refused = server.send(upload(&format!("/jobs/{job}/attach"), &other)).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("no row of this file is among the 5 rows"), "{}", refused.text);
    let attached = server.send(upload(&format!("/jobs/{job}/attach"), &parts)).await;
    assert_eq!((attached.status.as_u16(), attached.header("location")), (303, &*format!("/jobs/{job}")));
    assert_eq!(server.get(&format!("/api/v1/jobs/{job}")).await.json()["total_items"], 6);
}
