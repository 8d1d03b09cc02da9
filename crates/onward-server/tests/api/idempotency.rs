//! `Idempotency-Key`: the first answer again, and what is refused.

use axum::body::Body;
use axum::http::{Method, Request, header};

use crate::support::{RECIPE, Server, csv, request, upload};

fn resume(job: &str, key: &str, body: &str) -> Request<Body> {
    let request = request(Method::POST, &format!("/api/v1/jobs/{job}/resume"));
    let request = request.header("idempotency-key", key).header(header::CONTENT_TYPE, "application/json");
    request.body(Body::from(body.to_owned())).unwrap()
}

fn keyed_upload(path: &str, key: &str, rows: usize) -> Request<Body> {
    let csv = csv(rows);
    let mut request = upload(path, &[("file", Some("a.csv"), &csv), ("recipe", None, RECIPE)]);
    request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    request
}

async fn cancelled(server: &Server) -> String {
    let job = server.job(&csv(5)).await;
    assert_eq!(server.act(&job, "force-cancel").await.status, 200);
    job
}

#[tokio::test]
async fn the_same_key_and_request_get_the_first_answer_again() {
    let server = Server::shut().await;
    let job = cancelled(&server).await;
    let first = server.send(resume(&job, "k1", "{}")).await;
    assert_eq!((first.status.as_u16(), first.header("idempotent-replayed")), (202, ""));
    let again = server.send(resume(&job, "k1", "{}")).await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (202, "true"));
    assert_eq!(again.text, first.text);
    assert_eq!(again.header("content-type"), "application/json");
    let without = server.act(&job, "resume").await;
    assert_eq!(without.problem(), (409, "job-already-running".to_owned()));
}

#[tokio::test]
async fn a_refusal_is_repeated_too() {
    let server = Server::open().await;
    let job = server.job(&csv(1)).await;
    server.until_status(&job, "completed").await;
    let first = server.send(resume(&job, "k2", "{}")).await;
    assert_eq!(first.problem(), (409, "job-not-resumable".to_owned()));
    let again = server.send(resume(&job, "k2", "{}")).await;
    assert_eq!((again.text, again.headers["idempotent-replayed"].to_str().unwrap()), (first.text, "true"));
}

#[tokio::test]
async fn the_key_with_another_body_or_another_address_is_422() {
    let server = Server::shut().await;
    let job = cancelled(&server).await;
    assert_eq!(server.send(resume(&job, "k3", "{}")).await.status, 202);
    let other = server.send(resume(&job, "k3", "{ }")).await;
    assert_eq!(other.problem(), (422, "key-reused".to_owned()));
    let elsewhere =
        request(Method::POST, &format!("/api/v1/jobs/{job}/pause")).header("idempotency-key", "k3");
    let elsewhere = server.send(elsewhere.body(Body::from("{}")).unwrap()).await;
    assert_eq!(elsewhere.problem(), (422, "key-reused".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_under_one_key_one_runs_and_none_fails_otherwise() {
    let server = Server::shut().await;
    let job = cancelled(&server).await;
    let all = futures::future::join_all((0..32).map(|_| server.send(resume(&job, "k4", "{}")))).await;
    let fresh =
        all.iter().filter(|reply| reply.status == 202 && reply.header("idempotent-replayed").is_empty());
    assert_eq!(fresh.count(), 1);
    for reply in &all {
        let replayed = reply.status == 202;
        assert!(replayed || reply.problem() == (409, "key-in-use".to_owned()), "{}", reply.text);
    }
    let timeline = server.get(&format!("/api/v1/jobs/{job}/timeline")).await.json();
    let resumed = timeline["events"].as_array().unwrap().iter().filter(|event| event["kind"] == "resumed");
    assert_eq!(resumed.count(), 1);
}

#[tokio::test]
async fn a_repeated_upload_gets_the_same_job_and_another_file_is_422() {
    let server = Server::open().await;
    let send = async |rows| server.send(keyed_upload("/api/v1/jobs", "k5", rows)).await;
    let first = send(3).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let again = send(3).await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (201, "true"));
    assert_eq!(again.json()["job_id"], first.json()["job_id"]);
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(send(4).await.problem(), (422, "key-reused".to_owned()));
    assert_eq!(server.get("/api/v1/jobs").await.json()["jobs"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_client_that_leaves_does_not_leave_its_key_in_use() {
    let server = Server::shut().await;
    let job = cancelled(&server).await;
    let left = std::pin::pin!(server.raw(resume(&job, "k6", "{}")));
    // One poll starts the request; dropping it is the client going away.
    let _pending = futures::poll!(left);
    server.until_status(&job, "running").await;
    let again = loop {
        let again = server.send(resume(&job, "k6", "{}")).await;
        if again.status != 409 {
            break again;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (202, "true"));
}

#[tokio::test]
async fn a_key_that_is_no_key_is_400() {
    let server = Server::shut().await;
    let job = cancelled(&server).await;
    for key in ["", " ", &"k".repeat(201)] {
        assert_eq!(server.send(resume(&job, key, "{}")).await.problem(), (400, "bad-request".to_owned()));
    }
}

fn preview(key: &str, csv: &str) -> Request<Body> {
    let mut request = upload("/api/v1/preview", &[("file", Some("a.csv"), csv), ("recipe", None, RECIPE)]);
    request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    request
}

#[tokio::test]
async fn a_repeated_preview_is_found_anew_and_another_file_is_422() {
    let server = Server::open().await;
    let first = server.send(preview("p1", &csv(3))).await;
    assert_eq!((first.status.as_u16(), first.header("idempotent-replayed")), (200, ""), "{}", first.text);
    let again = server.send(preview("p1", &csv(3))).await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (200, "true"));
    assert_eq!(again.text, first.text);
    assert_eq!(server.send(preview("p1", &csv(4))).await.problem(), (422, "key-reused".to_owned()));
    // Also where the two differ only beyond what is looked at.
    let large = csv(40_000);
    assert!(large.len() > 256 << 10, "{}", large.len());
    assert_eq!(server.send(preview("p2", &large)).await.status, 200);
    let longer = server.send(preview("p2", &csv(40_001))).await;
    assert_eq!(longer.problem(), (422, "key-reused".to_owned()));
    let refused = server.send(preview("p3", "")).await;
    assert_eq!(refused.problem(), (422, "csv-empty".to_owned()));
    assert_eq!(server.send(preview("p3", "")).await.problem(), (422, "csv-empty".to_owned()));
    assert_eq!(server.send(preview("p3", "a\n1\n")).await.problem(), (422, "key-reused".to_owned()));
}

#[tokio::test]
async fn a_key_is_in_use_while_its_upload_arrives_and_free_when_the_client_leaves() {
    let server = Server::open().await;
    let arriving = |path| {
        let (send, receive) = futures::channel::mpsc::unbounded::<Result<String, std::io::Error>>();
        let mut request = upload(path, &[]);
        request.headers_mut().insert("idempotency-key", "u1".parse().unwrap());
        *request.body_mut() = Body::from_stream(receive);
        (send, request)
    };
    let whole = |path| {
        let csv = csv(3);
        let mut request = upload(path, &[("file", Some("a.csv"), &csv), ("recipe", None, RECIPE)]);
        request.headers_mut().insert("idempotency-key", "u1".parse().unwrap());
        request
    };
    for path in ["/api/v1/jobs", "/api/v1/preview", "/jobs"] {
        let (_open, request) = arriving(path);
        let mut first = Box::pin(server.raw(request));
        // One poll starts the request, which then waits for its file.
        assert!(futures::poll!(&mut first).is_pending());
        assert_eq!(
            server.send(whole("/api/v1/jobs")).await.problem(),
            (409, "key-in-use".to_owned()),
            "{path}"
        );
        assert_eq!(server.send(resume("0199a6c2-7f00-7000-8000-000000000000", "u1", "{}")).await.status, 409);
        drop(first);
    }
    assert_eq!(server.send(whole("/api/v1/jobs")).await.status, 201);
    assert_eq!(server.send(whole("/api/v1/jobs")).await.header("idempotent-replayed"), "true");
}

#[tokio::test]
async fn the_form_of_a_new_job_honours_a_key_too() {
    let server = Server::open().await;
    let send = async |rows| server.send(keyed_upload("/jobs", "f1", rows)).await;
    let (first, again) = (send(3).await, send(3).await);
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (303, 303), "{}", first.text);
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(send(4).await.problem(), (422, "key-reused".to_owned()));
}

#[tokio::test]
async fn the_form_of_an_edited_file_honours_a_key_too() {
    let server = Server::shut().await;
    let job = cancelled(&server).await;
    let path = format!("/jobs/{job}/attach?dry_run=true");
    let send = async |key: &str, rows| {
        let list = csv(rows);
        let mut request = upload(&path, &[("file", Some("a.csv"), &*list)]);
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        server.send(request).await
    };
    let (first, again, other) = (send("e1", 6).await, send("e1", 6).await, send("e2", 6).await);
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (303, 303), "{}", first.text);
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_ne!(other.header("location"), first.header("location"), "it was compared anew");
    assert_eq!(send("e1", 7).await.problem(), (422, "key-reused".to_owned()));
}
