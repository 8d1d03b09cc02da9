//! Another file under a job: the dry run, the exchange, and what is refused.

use axum::body::Body;
use axum::http::{Method, Request};
use onward_core::clock::UnixMs;
use onward_core::input::Duplicates;
use serde_json::json;

use crate::support::{Part, RECIPE, Server, csv, request, upload};

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
async fn a_cancelled_job_is_completed_by_a_file_without_its_open_rows() {
    let server = Server::shut().await;
    let job = cancelled(&server, 2).await;
    let done = server.get(&format!("/api/v1/jobs/{job}/rows")).await.json();
    let done: Vec<u64> =
        done["rows"].as_array().unwrap().iter().map(|row| row["row"].as_u64().unwrap()).collect();
    let lines: String = done.iter().map(|row| format!("anna{row},n{row}\n")).collect();
    let shorter = format!("handle,note\n{lines}");
    let path = format!("/api/v1/jobs/{job}/input");
    let attached = server.send(put(&path, &[("file", Some("list.csv"), &*shorter)])).await.json();
    assert_eq!(json!([attached["gone"], attached["job"]["status"]]), json!([3, "completed"]), "{attached}");
    assert_eq!(attached["job"]["resume_from_row"], json!(null));
    assert_eq!(attached["job"]["allowed_actions"], json!([]));
    let told = server.get(&format!("/api/v1/jobs/{job}/timeline")).await.text;
    assert!(told.contains("all 2 rows have an outcome"), "{told}");
    assert_eq!(server.act(&job, "resume").await.problem(), (409, "job-not-resumable".to_owned()));
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
async fn the_page_compares_a_file_and_attaches_it_without_choosing_it_again() {
    let server = Server::shut().await;
    let job = cancelled(&server, 2).await;
    let page = server.get(&format!("/jobs/{job}/attach")).await.text;
    assert!(page.contains("enctype=\"multipart/form-data\"") && page.contains("Compare"), "{page}");
    let edited = csv(6);
    let parts = [("file", Some("list.csv"), &*edited)];
    let other = [("file", Some("list.csv"), "handle,note\nxena,1\n")];
    let compare = format!("/jobs/{job}/attach?dry_run=true");
    let refused = server.send(upload(&compare, &other)).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("no row of this file is among the 5 rows"), "{}", refused.text);

    let compared = server.send(upload(&compare, &parts)).await;
    assert_eq!(compared.status, 303);
    let place = compared.header("location").to_owned();
    assert!(place.starts_with(&format!("/jobs/{job}/attach?compared=")), "{place}");
    let page = server.get(&place).await.text;
    assert!(page.contains("How list.csv differs") && page.contains("anna6"), "{page}");
    assert!(page.contains(&format!("<form method=\"post\" action=\"{place}\">")), "{page}");
    assert_eq!(server.get(&format!("/api/v1/jobs/{job}")).await.json()["total_items"], 5);
    for _twice in 0..2 {
        let attached = server.send(empty(Method::POST, &place)).await;
        assert_eq!((attached.status.as_u16(), attached.header("location")), (303, &*format!("/jobs/{job}")));
        assert_eq!(server.get(&format!("/api/v1/jobs/{job}")).await.json()["total_items"], 6);
    }
    let page = server.get(&place).await;
    assert!(page.status == 200 && page.text.contains("attached to the job already"), "{}", page.text);
}

fn empty(method: Method, path: &str) -> Request<Body> {
    request(method, path).body(Body::empty()).unwrap()
}

/// Compares a file and keeps it.
async fn keep(server: &Server, job: &str, csv: &str) -> String {
    let path = format!("/api/v1/jobs/{job}/input?dry_run=true&keep=true");
    let kept = server.send(put(&path, &[("file", Some("list.csv"), csv)])).await;
    assert_eq!(kept.status, 200, "{}", kept.text);
    assert_eq!(kept.json()["attached"], false);
    kept.json()["compared"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_was_compared_is_attached_by_its_id_and_by_its_own_job_alone() {
    let server = Server::shut().await;
    let (job, other) = (cancelled(&server, 2).await, server.job(&csv(7)).await);
    let (first, second) = (keep(&server, &job, &csv(6)).await, keep(&server, &job, &csv(8)).await);
    let path = |job: &str, kept: &str| format!("/api/v1/jobs/{job}/input?compared={kept}");
    let put = async |job: &str, kept: &str| server.send(empty(Method::PUT, &path(job, kept))).await;

    assert_eq!(server.act(&other, "force-cancel").await.status, 200);
    assert_eq!(put(&other, &first).await.problem(), (422, "input-mismatch".to_owned()));
    let nothing = "01890000-0000-7000-8000-000000000000";
    assert_eq!(put(&job, nothing).await.problem(), (410, "comparison-gone".to_owned()));
    assert_eq!(put(&job, "seven").await.problem(), (400, "invalid-parameter".to_owned()));
    let keeps = server.send(empty(Method::PUT, &format!("/api/v1/jobs/{job}/input?keep=true"))).await;
    assert_eq!(keeps.problem(), (400, "invalid-parameter".to_owned()));
    assert_eq!(server.get(&format!("/api/v1/jobs/{job}")).await.json()["total_items"], 5);

    let attached = put(&job, &first).await;
    assert_eq!(attached.status, 200, "{}", attached.text);
    let attached = attached.json();
    assert_eq!(json!([attached["attached"], attached["matched"], attached["new"]]), json!([true, 5, 1]));
    assert_eq!(attached["job"]["total_items"], 6);
    // The second one was compared with a file that the job no longer has.
    assert_eq!(put(&job, &second).await.problem(), (412, "epoch-moved".to_owned()));
    let again = put(&job, &first).await.json();
    assert_eq!(json!([again["matched"], again["new"], again["again"]]), json!([6, 0, 0]), "{again}");
    assert_eq!(server.get(&format!("/api/v1/jobs/{job}/verify")).await.json()["ok"], true);
}

#[tokio::test]
async fn a_compared_file_that_is_let_go_or_waited_too_long_is_not_attached() {
    let server = Server::shut().await;
    let job = cancelled(&server, 2).await;
    let kept = keep(&server, &job, &csv(6)).await;
    let path = format!("/api/v1/jobs/{job}/input?compared={kept}");
    assert_eq!(server.send(empty(Method::DELETE, &path)).await.status, 204);
    assert_eq!(server.send(empty(Method::PUT, &path)).await.problem(), (410, "comparison-gone".to_owned()));
    assert_eq!(server.send(empty(Method::DELETE, &path)).await.status, 204, "a second time is fine");
    assert!(server.app.engine.store().input(kept.parse().unwrap()).await.unwrap().is_none());

    // As if it had been compared long ago; the sweep has not come by yet.
    let kept = keep(&server, &job, &csv(6)).await;
    let store = server.app.engine.store();
    let mut summary = store.input(kept.parse().unwrap()).await.unwrap().unwrap();
    summary.compared.as_mut().unwrap().at.0 -= 46 * 60_000;
    store.seal_input(&summary, &Duplicates::default(), UnixMs(0)).await.unwrap();
    let path = format!("/api/v1/jobs/{job}/input?compared={kept}");
    assert_eq!(server.send(empty(Method::PUT, &path)).await.problem(), (410, "comparison-gone".to_owned()));
    let page = server.get(&format!("/jobs/{job}/attach?compared={kept}")).await;
    assert!(page.status == 410 && page.text.contains("compare the file again"), "{}", page.text);

    // What the job works on is not let go, by whichever name.
    let kept = keep(&server, &job, &csv(6)).await;
    let path = format!("/api/v1/jobs/{job}/input?compared={kept}");
    assert_eq!(server.send(empty(Method::PUT, &path)).await.status, 200);
    assert_eq!(server.send(empty(Method::DELETE, &path)).await.status, 204);
    let bare = format!("/api/v1/jobs/{job}/input");
    let refused = server.send(empty(Method::DELETE, &bare)).await;
    assert_eq!(refused.problem(), (400, "invalid-parameter".to_owned()));
    assert_eq!(server.get(&format!("/api/v1/jobs/{job}/verify")).await.json()["ok"], true);
}

#[tokio::test]
async fn corrected_rows_that_were_compared_are_done_again_when_they_are_attached_by_id() {
    let server = Server::open().await;
    let job = server.job("handle,note\nann,1\nbad bob,2\ncy,3\nbad dora,4\n").await;
    server.until_status(&job, "completed").await;
    let export = server.get(&format!("/api/v1/jobs/{job}/export?outcome=failed")).await.text;
    let kept = keep(&server, &job, &export.replace(",4,4,", ",four,4,")).await;
    let path = format!("/api/v1/jobs/{job}/input?compared={kept}");
    let attached = server.send(empty(Method::PUT, &path)).await.json();
    assert_eq!(json!([attached["changed"], attached["again"]]), json!([1, 2]), "{attached}");
    server.until_status(&job, "completed").await;
    let rows = server.get(&format!("/api/v1/jobs/{job}/rows?outcome=failed")).await.json();
    assert_eq!(json!([rows["rows"][0]["row"], rows["rows"][1]["fields"]["note"]]), json!([2, "four"]));
}

#[tokio::test]
async fn a_file_can_be_the_body_itself() {
    let server = Server::with(0, |settings| settings.max_upload_bytes = 200).await;
    let job = cancelled(&server, 2).await;
    let path = format!("/api/v1/jobs/{job}/input");
    let put = |kind: &str, csv: String| {
        let request = request(Method::PUT, &path).header("content-type", kind);
        (request, Body::from(csv))
    };
    let (plain, body) = put("text/csv; charset=utf-8", csv(6));
    let attached = server.send(plain.body(body).unwrap()).await;
    assert_eq!(attached.status, 200, "{}", attached.text);
    let attached = attached.json();
    assert_eq!(json!([attached["new"], attached["job"]["input"]["filename"]]), json!([1, "list.csv"]));

    let (named, body) = put("application/octet-stream", csv(7));
    let named = named.header("content-disposition", "attachment; filename=\"../more lists.csv\"");
    let attached = server.send(named.body(body).unwrap()).await.json();
    assert_eq!(attached["job"]["input"]["filename"], "more lists.csv");

    let (large, body) = put("text/csv", csv(40));
    assert_eq!(server.send(large.body(body).unwrap()).await.problem(), (413, "too-large".to_owned()));
    let broken = futures::stream::iter([Ok("handle,"), Err(std::io::Error::other("gone"))]);
    let (cut, _) = put("text/csv", String::new());
    let cut = server.send(cut.body(Body::from_stream(broken)).unwrap()).await;
    assert_eq!(cut.problem(), (408, "upload-aborted".to_owned()));
    let (json, body) = put("application/json", "{}".to_owned());
    assert_eq!(server.send(json.body(body).unwrap()).await.problem(), (415, "unsupported-body".to_owned()));
    assert_eq!(server.get(&format!("/api/v1/jobs/{job}")).await.json()["total_items"], 7);
}
