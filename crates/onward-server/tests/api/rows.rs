//! Rows, groups, export and timeline of a job.

use axum::body::Body;
use axum::http::{Method, Request, header};
use http_body_util::BodyExt;

use crate::support::{RECIPE, Server, csv, multipart, request, upload};

/// anna is added, bad1 and bad2 fail, the second anna is a duplicate, the fourth column needs quotes.
const MIXED: &str = "handle,note\nanna,\"say \"\"hi\"\"\"\nbad1,=1+1\nanna,again\nbad2,\"two\nlines\"\n";

async fn done(server: &Server, csv: &str) -> String {
    let job = server.job(csv).await;
    server.until_status(&job, "completed").await;
    job
}

#[tokio::test]
async fn rows_have_their_fields_and_why_they_ended_so() {
    let server = Server::open().await;
    let job = done(&server, MIXED).await;
    let page = server.get(&format!("/api/v1/jobs/{job}/rows?outcome=failed")).await.json();
    let rows = page["rows"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["row"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(rows[0]["code"], "bad-handle");
    assert_eq!(rows[0]["fields"], serde_json::json!({ "handle": "bad1", "note": "=1+1" }));
    assert_eq!((rows[1]["line"].as_u64(), page["next_cursor"].is_null()), (Some(5), true));
    let skipped = server.get(&format!("/api/v1/jobs/{job}/rows?outcome=skipped")).await.json();
    assert_eq!(skipped["rows"][0]["row"], 3);
    let found = server.get(&format!("/api/v1/jobs/{job}/rows?q=BAD2")).await.json();
    assert_eq!(found["rows"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn pages_of_rows_follow_each_other() {
    let server = Server::open().await;
    let job = done(&server, &csv(25)).await;
    let (mut rows, mut next) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/api/v1/jobs/{job}/rows?limit=10{next}")).await.json();
        rows.extend(page["rows"].as_array().unwrap().iter().map(|row| row["row"].as_u64().unwrap()));
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(rows, (1..=25).collect::<Vec<_>>());
}

#[tokio::test]
async fn failed_rows_are_grouped_by_their_reason() {
    let server = Server::open().await;
    let job = done(&server, MIXED).await;
    let groups = server.get(&format!("/api/v1/jobs/{job}/errors")).await.json();
    let expected = serde_json::json!({ "groups": [
        { "code": "bad-handle", "message": "the handle is bad", "count": 2, "first_row": 2, "last_row": 4 }
    ] });
    assert_eq!(groups, expected);
}

#[tokio::test]
async fn the_export_is_the_input_and_what_became_of_each_row() {
    let server = Server::open().await;
    let job = done(&server, MIXED).await;
    let all = server.get(&format!("/api/v1/jobs/{job}/export")).await;
    assert_eq!(all.header("content-type"), "text/csv; charset=utf-8");
    let named = "attachment; filename=\"list.results.csv\"; filename*=UTF-8''list.results.csv";
    assert_eq!(all.header("content-disposition"), named);
    let lines: Vec<&str> = all.text.split("\r\n").collect();
    assert_eq!(lines[0], "handle,note,onward_row,onward_outcome,onward_code,onward_message");
    assert_eq!(lines[1], "anna,\"say \"\"hi\"\"\",1,added,added,added");
    assert_eq!(lines[2], "bad1,=1+1,2,failed,bad-handle,the handle is bad");
    assert!(lines[3].starts_with("anna,again,3,skipped,duplicate"), "{}", lines[3]);
    assert_eq!(lines[4], "bad2,\"two\nlines\",4,failed,bad-handle,the handle is bad");
    assert_eq!(lines[5..], [""]);
    let failed = server.get(&format!("/api/v1/jobs/{job}/export?outcome=failed&spreadsheet=true")).await;
    assert!(failed.text.starts_with('\u{feff}'));
    assert!(failed.text.contains("bad1,\"'=1+1\",2,failed"), "{}", failed.text);
    assert!(!failed.text.contains("anna"));
    let json = server.get(&format!("/api/v1/jobs/{job}/export?format=ndjson&outcome=failed")).await;
    let first = json.text.lines().next().unwrap();
    let expected = "{\"handle\":\"bad1\",\"note\":\"=1+1\",\"onward_row\":2,\"onward_outcome\":\"failed\",\"onward_code\":\"bad-handle\",\"onward_message\":\"the handle is bad\"}";
    assert_eq!(first, expected);
    let bad = server.get(&format!("/api/v1/jobs/{job}/export?format=xlsx")).await;
    assert_eq!(bad.problem(), (400, "invalid-parameter".to_owned()));
}

#[tokio::test]
async fn an_export_has_the_encoding_of_its_file() {
    let server = Server::open().await;
    let parts = [("file", Some("list.csv"), "handle;note\r\nbad~sa;gr~n\r\n"), ("recipe", None, RECIPE)];
    // What stands for a letter becomes the byte that it is in Windows-1252: å and ü.
    let mut letters = [0xe5, 0xfc].into_iter();
    let bytes: Vec<u8> = multipart(&parts)
        .into_bytes()
        .into_iter()
        .map(|byte| if byte == b'~' { letters.next().unwrap() } else { byte })
        .collect();
    let mut request = upload("/api/v1/jobs", &[]);
    *request.body_mut() = Body::from(bytes);
    let job = server.send(request).await.json()["job_id"].as_str().unwrap().to_owned();
    server.until_status(&job, "completed").await;
    let path = format!("/api/v1/jobs/{job}/export?outcome=failed");
    let export = server.raw(request_of(&path)).await;
    assert_eq!(export.headers()[header::CONTENT_TYPE], "text/csv; charset=windows-1252");
    let bytes = export.into_body().collect().await.unwrap().to_bytes();
    let line = bytes.split(|byte| *byte == b'\n').nth(1).unwrap();
    assert_eq!(line, b"bad\xe5sa;gr\xfcn;1;failed;bad-handle;the handle is bad\r");
    let spreadsheet = server.get(&format!("{path}&spreadsheet=true")).await;
    assert_eq!(spreadsheet.header("content-type"), "text/csv; charset=utf-8");
    assert!(spreadsheet.text.contains("badåsa;grün"));
}

fn request_of(path: &str) -> Request<Body> {
    request(Method::GET, path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn an_export_of_several_pages_has_every_row_once_and_in_order() {
    let server = Server::open().await;
    let job = done(&server, &csv(2_500)).await;
    let text = server.get(&format!("/api/v1/jobs/{job}/export")).await.text;
    let rows = text.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().parse::<u64>().unwrap());
    assert_eq!(rows.collect::<Vec<_>>(), (1..=2_500).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_file_comes_back_record_by_record() {
    let server = Server::open().await;
    let large = csv(2_500);
    for (taken, given_back) in [
        (MIXED, MIXED),
        (large.as_str(), large.as_str()),
        ("handle;b\n\n1;\"x\n\"\n2\n", "handle;b\n1;\"x\n\"\n2;\n"),
    ] {
        let job = server.job(taken).await;
        let file = server.get(&format!("/api/v1/jobs/{job}/input")).await;
        assert_eq!(file.text.replace("\r\n", "\n"), given_back.replace("\r\n", "\n"));
        assert_eq!(
            file.header("content-disposition"),
            "attachment; filename=\"list.csv\"; filename*=UTF-8''list.csv"
        );
    }
}

#[tokio::test]
async fn the_export_of_a_job_without_its_file_is_410_and_the_rows_stay() {
    let server = Server::open().await;
    let job = done(&server, MIXED).await;
    let id = server.app.engine.job(job.parse().unwrap()).await.unwrap().job.input.id;
    server.app.engine.store().drop_input(id).await.unwrap();
    let reply = server.get(&format!("/api/v1/jobs/{job}/export")).await;
    assert_eq!(reply.problem(), (410, "input-gone".to_owned()));
    assert_eq!(server.get(&format!("/api/v1/jobs/{job}/input")).await.problem().0, 410);
    let rows = server.get(&format!("/api/v1/jobs/{job}/rows")).await.json();
    assert_eq!(rows["rows"].as_array().unwrap().len(), 4);
    assert_eq!(rows["rows"][0]["fields"], serde_json::json!({}));
}

#[tokio::test]
async fn the_timeline_says_who_did_what() {
    let server = Server::shut().await;
    let job = server.job(&csv(3)).await;
    server.until_status(&job, "running").await;
    server.act(&job, "force-cancel").await;
    server.act(&job, "resume").await;
    let timeline = server.get(&format!("/api/v1/jobs/{job}/timeline")).await.json();
    let events = timeline["events"].as_array().unwrap();
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[..4], ["created", "started", "cancelled", "resumed"]);
    assert_eq!(events[2]["actor"], "api");
    assert_eq!(events[3]["from_row"], 1);
    let page = server.get(&format!("/api/v1/jobs/{job}/timeline?limit=2")).await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = server.get(&format!("/api/v1/jobs/{job}/timeline?cursor={cursor}")).await.json();
    assert_eq!(rest["events"][0]["kind"], "cancelled");
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_ask() {
    let server = Server::open().await;
    let job = done(&server, &csv(500)).await;
    let request = crate::support::request(axum::http::Method::GET, &format!("/api/v1/jobs/{job}/export"))
        .header(header::ACCEPT_ENCODING, "gzip");
    let response = server.raw(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
}

/// The work gets a row under the recipe's names; whoever reads rows gets back what he knows from his file.
#[tokio::test]
async fn fields_of_rows_are_named_by_the_files_headers_whatever_the_recipe_calls_them() {
    let server = Server::open().await;
    let recipe = format!("{RECIPE}[columns]\nhandle = \"Instagram name\"\n");
    let file = "Instagram name,Note\n@Anna,x\n";
    let job = server
        .send(upload("/api/v1/jobs", &[("file", Some("list.csv"), file), ("recipe", None, &recipe)]))
        .await
        .json();
    let job = job["job_id"].as_str().unwrap();
    server.until_status(job, "completed").await;
    let row = server.get(&format!("/api/v1/jobs/{job}/rows")).await.json()["rows"][0].take();
    assert_eq!(row["fields"], serde_json::json!({ "Instagram name": "@Anna", "Note": "x" }));
    assert_eq!(row["key"], "anna", "the key is the recipe's");
}
