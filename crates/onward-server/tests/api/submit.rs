//! `POST /api/v1/jobs` and `/api/v1/preview`: what is taken, and what each bad upload gets.

use std::io;

use axum::body::{Body, Bytes};
use axum::http::{Method, Request, header};
use futures::{Stream, StreamExt, stream};

use crate::support::{Part, RECIPE, Server, csv, multipart, request, upload};

#[tokio::test]
async fn a_file_and_a_recipe_become_a_job_with_an_address() {
    let server = Server::open().await;
    let reply = server.submit(&csv(3)).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let job = reply.json();
    let id = job["job_id"].as_str().unwrap();
    assert_eq!(reply.header("location"), format!("/api/v1/jobs/{id}"));
    assert_eq!((job["name"].as_str(), job["total_items"].as_u64()), (Some("list.csv"), Some(3)));
    assert_eq!(job["checkpoint"]["saved_in"], serde_json::json!(["memory"]));
    assert_eq!(job["input"]["filename"], "list.csv");
    server.until_status(id, "completed").await;
    let job = server.get(&format!("/api/v1/jobs/{id}")).await.json();
    assert_eq!((job["processed_items"].as_u64(), job["results"]["added"].as_u64()), (Some(3), Some(3)));
    assert_eq!(job["resume_from_row"], serde_json::Value::Null);
    assert_eq!(job["allowed_actions"], serde_json::json!([]));
    let created = job["created_at"].as_str().unwrap();
    assert!(created.len() == 24 && created.ends_with('Z'), "{created}");
}

#[tokio::test]
async fn the_same_work_is_not_started_twice_while_it_is_active() {
    let server = Server::shut().await;
    let first = server.job(&csv(3)).await;
    let second = server.submit(&csv(3)).await;
    assert_eq!(second.problem(), (409, "duplicate-running-job".to_owned()));
    assert_eq!(second.json()["existing_job_id"], first.as_str());
}

#[tokio::test]
async fn bad_uploads_are_refused_by_name_and_leave_no_job_and_no_file() {
    let spool = tempfile::tempdir().unwrap();
    let dir = spool.path().to_owned();
    let server = Server::with(0, |settings| {
        settings.spool_dir = Some(dir);
        settings.max_upload_bytes = 1_000;
    })
    .await;
    let (file, recipe) = (("file", Some("a.csv"), "handle\nanna\n"), ("recipe", None, RECIPE));
    let large = csv(200);
    let cases: [(u16, &str, Vec<Part<'_>>); 10] = [
        (400, "bad-request", vec![recipe]),
        (400, "bad-request", vec![file]),
        (400, "bad-request", vec![file, file, recipe]),
        (400, "bad-request", vec![file, recipe, ("path", None, "/etc/passwd")]),
        (413, "too-large", vec![("file", Some("a.csv"), &large), recipe]),
        (422, "csv-empty", vec![("file", Some("a.csv"), ""), recipe]),
        (415, "looks-like-html", vec![("file", Some("a.csv"), "<!DOCTYPE html><html></html>"), recipe]),
        (422, "unclosed-quote", vec![("file", Some("a.csv"), "handle\n\"anna\n"), recipe]),
        (422, "missing-column", vec![("file", Some("a.csv"), "handel\nanna\n"), recipe]),
        (422, "recipe-invalid", vec![file, ("recipe", None, "kee = 1")]),
    ];
    for (status, code, parts) in cases {
        let reply = server.send(upload("/api/v1/jobs", &parts)).await;
        assert_eq!(reply.problem(), (status, code.to_owned()), "{}", reply.text);
    }
    let jobs = server.get("/api/v1/jobs").await.json();
    assert_eq!(jobs["jobs"], serde_json::json!([]));
    assert_eq!(std::fs::read_dir(spool.path()).unwrap().count(), 0, "temporary files are gone");
}

#[tokio::test]
async fn a_body_that_is_no_upload_is_refused() {
    let server = Server::shut().await;
    let json = server.post("/api/v1/jobs", "{\"file\": {\"path\": \"/etc/passwd\"}}").await;
    assert_eq!(json.problem(), (415, "unsupported-body".to_owned()));
    for kind in ["multipart/form-data", "multipart/form-data; boundary=another"] {
        let body = Body::from(multipart(&[("file", Some("a.csv"), "handle\n")]));
        let request = request(Method::POST, "/api/v1/jobs").header(header::CONTENT_TYPE, kind);
        let reply = server.send(request.body(body).unwrap()).await;
        assert_eq!(reply.problem(), (400, "bad-request".to_owned()), "{kind}");
    }
}

#[tokio::test]
async fn an_upload_that_breaks_off_is_408_and_leaves_nothing() {
    let spool = tempfile::tempdir().unwrap();
    let dir = spool.path().to_owned();
    let server = Server::with(0, |settings| settings.spool_dir = Some(dir)).await;
    let whole = multipart(&[("file", Some("a.csv"), &csv(50)), ("recipe", None, RECIPE)]);
    let half = Bytes::copy_from_slice(&whole.as_bytes()[..whole.len() / 2]);
    let body = Body::from_stream(stream::iter([Ok::<_, std::io::Error>(half)]));
    let request = request(Method::POST, "/api/v1/jobs")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut-here");
    let reply = server.send(request.body(body).unwrap()).await;
    assert_eq!(reply.problem(), (408, "upload-aborted".to_owned()));
    assert_eq!(std::fs::read_dir(spool.path()).unwrap().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_falls_silent_is_408() {
    let server = Server::shut().await;
    let begun = Bytes::from_static(b"--cut-here\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhan");
    let body = stream::unfold(Some(begun), |begun| async move {
        match begun {
            Some(begun) => Some((Ok::<_, std::io::Error>(begun), None)),
            None => std::future::pending().await,
        }
    });
    let request = request(Method::POST, "/api/v1/jobs")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut-here");
    let reply = server.send(request.body(Body::from_stream(body)).unwrap()).await;
    assert_eq!(reply.problem(), (408, "upload-aborted".to_owned()));
}

#[tokio::test]
async fn a_preview_shows_what_the_file_would_become_and_stores_nothing() {
    let server = Server::shut().await;
    let file = ("file", Some("a.csv"), "handle;note\nanna;1\nben;2\n");
    let reply = server.send(upload("/api/v1/preview", &[file, ("recipe", None, RECIPE)])).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let preview = reply.json();
    assert_eq!((preview["delimiter"].as_str(), preview["encoding"].as_str()), (Some(";"), Some("UTF-8")));
    assert_eq!(preview["samples"][1]["fields"], serde_json::json!(["ben", "2"]));
    let empty = server.send(upload("/api/v1/preview", &[("file", Some("a.csv"), "")])).await;
    assert_eq!(empty.problem(), (422, "csv-empty".to_owned()));
    assert_eq!(server.get("/api/v1/jobs").await.json()["jobs"], serde_json::json!([]));
}

#[tokio::test]
async fn file_names_are_for_show_only() {
    let server = Server::open().await;
    let file = ("file", Some("../../etc/pass wd\\x.csv"), "handle\nanna\n");
    let reply = server
        .send(upload("/api/v1/jobs", &[file, ("recipe", None, RECIPE), ("name", None, " My list ")]))
        .await;
    let job = reply.json();
    assert_eq!(job["name"], "My list");
    let shown = job["input"]["filename"].as_str().unwrap();
    assert!(!shown.contains('/') && !shown.contains('\\'), "{shown}");
}

#[tokio::test]
async fn a_preview_looks_at_the_head_of_whatever_is_sent() {
    let spool = tempfile::tempdir().unwrap();
    let dir = spool.path().to_owned();
    let server = Server::with(0, |settings| {
        settings.spool_dir = Some(dir);
        settings.max_upload_bytes = 4 << 20;
    })
    .await;
    let preview = async |file: &str| {
        server
            .send(upload("/api/v1/preview", &[("file", Some("a.csv"), file), ("recipe", None, RECIPE)]))
            .await
    };
    // Beyond the head there is a quote that is never closed: it is not looked at.
    let large = format!("handle\n\n{}\"", "anna\n".repeat(700_000));
    let reply = preview(&large).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json()["samples"][0]["fields"], serde_json::json!(["anna"]));
    assert_eq!(reply.json()["blank_lines"], 1);
    let bomb = preview(&"c,".repeat(1 << 20)).await;
    assert_eq!(bomb.problem(), (422, "too-many-columns".to_owned()), "{}", bomb.text);
    let beyond = preview(&"anna\n".repeat(1 << 20)).await;
    assert_eq!(beyond.problem(), (413, "too-large".to_owned()), "{}", beyond.text);
    assert_eq!(std::fs::read_dir(spool.path()).unwrap().count(), 0, "temporary files are gone");
}

#[tokio::test]
async fn a_job_says_how_many_blank_lines_its_file_has_and_whether_it_was_given_before() {
    let server = Server::open().await;
    let csv = "handle\nanna\n\n\nben\n";
    let first = server.submit(csv).await.json();
    assert_eq!((first["total_items"].as_u64(), first["input"]["blank_lines"].as_u64()), (Some(2), Some(2)));
    assert_eq!(first["warnings"], serde_json::json!([]));
    let id = first["job_id"].as_str().unwrap();
    server.until_status(id, "completed").await;
    let reply = server.submit(csv).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let again = reply.json();
    let warnings = again["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{}", reply.text);
    assert_eq!(warnings[0]["code"], "same-content-as");
    let said = warnings[0]["message"].as_str().unwrap();
    assert!(said.contains(&format!("as job {id} (completed, 2 rows)")), "{said}");
    let place = format!("/api/v1/jobs/{}", again["job_id"].as_str().unwrap());
    let shown = server.get(&place).await.json();
    assert_eq!(
        (&shown["warnings"], &shown["input"]["blank_lines"]),
        (&again["warnings"], &again["input"]["blank_lines"])
    );
    let other = server.submit("handle\nanna\n").await.json();
    assert_eq!(other["warnings"], serde_json::json!([]));
    let otherwise = format!("name = \"otherwise\"\n{}", RECIPE.replace("= 4", "= 4\ntimeout = \"7s\""));
    let parts = [("file", Some("list.csv"), csv), ("recipe", None, &*otherwise)];
    let otherwise = server.send(upload("/api/v1/jobs", &parts)).await.json();
    let said = otherwise["warnings"][0]["message"].as_str().unwrap_or_default();
    let newest = again["job_id"].as_str().unwrap();
    assert!(said.contains(&format!("given before with another recipe, as job {newest}")), "{otherwise}");
}

/// Whole parts, and then what a connection does that has promised more. Its pieces come one by one.
fn cut_off(
    path: &str,
    then: impl Stream<Item = Result<String, io::Error>> + Send + 'static,
) -> Request<Body> {
    let whole = multipart(&[("file", Some("list.csv"), &csv(3)), ("recipe", None, RECIPE)]);
    let pieces = stream::iter([Ok(whole)]).chain(then);
    let one_by_one = pieces.then(|piece| async {
        tokio::task::yield_now().await;
        piece
    });
    let request =
        request(Method::POST, path).header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut-here");
    request.body(Body::from_stream(one_by_one)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_body_that_ends_before_its_content_length_is_no_upload_though_its_parts_are_whole() {
    let spool = tempfile::tempdir().unwrap();
    let folder = spool.path().to_owned();
    let server = Server::with(0, |settings| settings.spool_dir = Some(folder)).await;
    for path in ["/api/v1/jobs", "/api/v1/preview"] {
        let broken = stream::iter([Err(io::Error::from(io::ErrorKind::UnexpectedEof))]);
        let reply = server.send(cut_off(path, broken)).await;
        assert_eq!(reply.problem(), (408, "upload-aborted".to_owned()), "{path}: it broke off");
        let at_once = Body::from_stream(stream::iter([
            Ok(multipart(&[("file", Some("list.csv"), &csv(3)), ("recipe", None, RECIPE)])),
            Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        ]));
        let mut request = cut_off(path, stream::empty());
        *request.body_mut() = at_once;
        assert_eq!(
            server.send(request).await.problem(),
            (408, "upload-aborted".to_owned()),
            "{path}: at once"
        );
        let reply = server.send(cut_off(path, stream::pending())).await;
        assert_eq!(reply.problem(), (408, "upload-aborted".to_owned()), "{path}: nothing more came");
        let rest = stream::iter([Ok("\r\nsigned by nobody".to_owned())]);
        assert!(
            server.send(cut_off(path, rest)).await.status.is_success(),
            "{path}: what comes after the parts"
        );
        let endless = stream::repeat_with(|| Ok("x".repeat(1 << 10)));
        let reply = server.send(cut_off(path, endless)).await;
        assert_eq!(reply.problem(), (400, "bad-request".to_owned()), "{path}: it never ends");
    }
    assert_eq!(server.get("/api/v1/jobs").await.json()["jobs"].as_array().unwrap().len(), 1);
    assert_eq!(std::fs::read_dir(spool.path()).unwrap().count(), 0, "temporary files are gone");
}

#[tokio::test]
async fn a_file_that_is_another_one_than_was_looked_at_makes_no_job() {
    let server = Server::open().await;
    let (seen, now) = (csv(3), csv(4));
    let preview = server.send(upload("/api/v1/preview", &[("file", Some("a.csv"), &seen)])).await.json();
    let digest = preview["sha256"].as_str().unwrap().to_owned();
    let send = async |csv: &str, digest: &str| {
        let parts = [("sha256", None, digest), ("file", Some("a.csv"), csv), ("recipe", None, RECIPE)];
        server.send(upload("/api/v1/jobs", &parts)).await
    };
    let changed = send(&now, &digest).await;
    assert_eq!(changed.problem(), (409, "input-changed".to_owned()));
    assert!(changed.json()["detail"].as_str().unwrap().contains("a.csv is not the file"), "{}", changed.text);
    assert_eq!(server.get("/api/v1/jobs").await.json()["jobs"].as_array().unwrap().len(), 0);
    for wrong in ["abc", &"x".repeat(64)] {
        assert_eq!(send(&seen, wrong).await.problem(), (400, "invalid-parameter".to_owned()), "{wrong}");
    }
    let made = send(&seen, &digest.to_uppercase()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.json()["input"]["sha256"], *digest);
    assert_eq!(send(&now, "").await.status, 201, "a form that has seen nothing");
}
