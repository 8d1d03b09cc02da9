//! Uploads in parts: they go on where they were, are looked at, tried, and made a job of.

use axum::body::Body;
use axum::http::{Method, header};

use crate::support::{RECIPE, Reply, Server, request, upload};

const CSV: &str = "handle,note\nanna,1\nbad2,2\nanna,3\n,4\ncleo,5\n";

async fn announced(server: &Server, bytes: usize) -> String {
    let reply = server
        .post("/api/v1/uploads", &format!("{{\"filename\":\"../li\\u0000st.csv\",\"bytes\":{bytes}}}"))
        .await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let id = reply.json()["upload_id"].as_str().unwrap().to_owned();
    assert_eq!(reply.header("location"), format!("/api/v1/uploads/{id}"));
    assert!(!reply.json()["filename"].as_str().unwrap().contains('/'), "{}", reply.text);
    id
}

async fn send(server: &Server, id: &str, offset: &str, part: &str) -> Reply {
    let request = request(Method::PUT, &format!("/api/v1/uploads/{id}")).header("upload-offset", offset);
    server.send(request.body(Body::from(part.to_owned())).unwrap()).await
}

/// A server that keeps uploads in a folder of its own.
async fn server() -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_owned();
    (Server::with(1_000, |settings| settings.spool_dir = Some(dir)).await, folder)
}

#[tokio::test]
async fn an_upload_goes_on_where_it_was_and_a_part_elsewhere_changes_nothing() {
    let (server, folder) = server().await;
    let id = announced(&server, CSV.len()).await;
    let (first, second) = CSV.split_at(20);
    assert_eq!(send(&server, &id, "0", first).await.json()["offset"], 20);
    let again = send(&server, &id, "0", first).await;
    assert_eq!(again.problem(), (409, "upload-offset".to_owned()));
    assert_eq!(again.json()["offset"], 20);
    let unfinished =
        server.send(upload("/api/v1/jobs", &[("upload", None, &id), ("recipe", None, RECIPE)])).await;
    assert_eq!(unfinished.problem(), (409, "upload-incomplete".to_owned()));
    assert_eq!(server.get(&format!("/api/v1/uploads/{id}")).await.json()["offset"], 20);
    let more = send(&server, &id, "20", &format!("{second}x")).await;
    assert_eq!(more.problem(), (413, "too-large".to_owned()));
    assert_eq!(send(&server, &id, "20", second).await.json()["offset"], CSV.len());

    let made = server.send(upload("/api/v1/jobs", &[("upload", None, &id), ("recipe", None, RECIPE)])).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.json()["total_items"], 5);
    assert_eq!(server.get(&format!("/api/v1/uploads/{id}")).await.problem().0, 404);
    assert_eq!(std::fs::read_dir(folder.path().join("uploads")).unwrap().count(), 0);
}

#[tokio::test]
async fn what_breaks_off_is_kept_as_far_as_it_came() {
    let (server, _folder) = server().await;
    let id = announced(&server, 10).await;
    let parts = futures::stream::iter([Ok("12345".to_owned()), Err(std::io::Error::other("gone"))]);
    let request = request(Method::PUT, &format!("/api/v1/uploads/{id}")).header("upload-offset", "0");
    let reply = server.send(request.body(Body::from_stream(parts)).unwrap()).await;
    assert_eq!(reply.problem(), (408, "upload-aborted".to_owned()));
    assert_eq!(reply.json()["offset"], 5);
    assert_eq!(server.get(&format!("/api/v1/uploads/{id}")).await.json()["offset"], 5);
}

#[tokio::test]
async fn a_whole_upload_is_reported_on_and_tried_without_storing_anything() {
    let (server, _folder) = server().await;
    let id = announced(&server, CSV.len()).await;
    send(&server, &id, "0", CSV).await;
    let recipe = serde_json::json!({ "recipe": RECIPE }).to_string();
    let report = server.post(&format!("/api/v1/uploads/{id}/check"), &recipe).await.json();
    assert_eq!((&report["rows"], &report["duplicates"], &report["to_do"]), (&5.into(), &1.into(), &3.into()));
    assert_eq!(report["first_duplicate"], serde_json::json!([3, 1]));
    assert_eq!(report["decided"][0]["code"], "empty-key");
    let shown = server.post(&format!("/api/v1/uploads/{id}/preview"), &recipe).await.json();
    assert_eq!(shown["sha256"], report["sha256"], "what is looked at is the whole file");
    let digest = "0".repeat(64);
    let parts = [("upload", None, &*id), ("recipe", None, RECIPE), ("sha256", None, &*digest)];
    let changed = server.send(crate::support::upload("/api/v1/jobs", &parts)).await;
    assert_eq!(changed.problem(), (409, "input-changed".to_owned()));
    let trial = server.post(&format!("/api/v1/uploads/{id}/try"), &recipe).await.json();
    let outcomes: Vec<_> =
        trial["rows"].as_array().unwrap().iter().map(|row| row["outcome"].clone()).collect();
    assert_eq!(outcomes, ["added", "failed", "added"]);
    assert_eq!(trial["rows"][1]["message"], "the handle is bad");
    assert_eq!(server.get("/api/v1/jobs").await.json()["jobs"].as_array().unwrap().len(), 0);
    let wrong = server.post(&format!("/api/v1/uploads/{id}/check"), "{\"recipe\":\"kee = 1\"}").await;
    assert_eq!(wrong.problem(), (422, "recipe-invalid".to_owned()));
}

#[tokio::test]
async fn uploads_are_bounded_and_named_by_the_server_alone() {
    let (server, _folder) = server().await;
    for path in ["nothing", "..%2F..%2Fetc", "0199a6c2-7f00-7000-8000-000000000000"] {
        assert_eq!(server.get(&format!("/api/v1/uploads/{path}")).await.problem().0, 404, "{path}");
    }
    let large = server.post("/api/v1/uploads", "{\"filename\":\"a.csv\",\"bytes\":99999999999}").await;
    assert_eq!(large.problem(), (413, "too-large".to_owned()));
    let mut ids = Vec::new();
    for _ in 0..32 {
        ids.push(announced(&server, 5).await);
    }
    let many = server.post("/api/v1/uploads", "{\"filename\":\"a.csv\",\"bytes\":5}").await;
    assert_eq!(many.problem(), (429, "too-many-requests".to_owned()));
    let remove = request(Method::DELETE, &format!("/api/v1/uploads/{}", ids[0])).body(Body::empty()).unwrap();
    assert_eq!(server.send(remove).await.status, 204);
    announced(&server, 5).await;
}

#[tokio::test]
async fn creators_are_exported_as_csv_and_as_json_lines() {
    let (server, _folder) = server().await;
    let csv = server.get("/api/v1/creators/export").await;
    assert_eq!((csv.status.as_u16(), csv.text.as_str()), (200, "key,table,data,job_id,row,added_at\r\n"));
    let lines = server.get("/api/v1/creators/export?format=ndjson").await;
    assert_eq!((lines.status.as_u16(), lines.text.as_str()), (200, ""));
    assert!(lines.header(header::CONTENT_DISPOSITION.as_str()).starts_with("attachment"));
    for page in ["/creators", "/health", "/settings", "/wall", "/jobs/new"] {
        let shown = server.get(page).await;
        assert_eq!(shown.status, 200, "{page}: {}", shown.text);
        assert!(!shown.text.contains("style="), "{page}");
    }
}
