//! The http work against real servers, well-behaved and not.

use crate::support::{Server, call, one, processor, settings, told, verdict};
use axum::body::Body;
use axum::http::Response;
use onward_core::processor::{Answer, Processor};
use onward_core::recipe::Recipe;
use onward_core::row::Outcome;
use onward_processors::{Outbound, Settings, build};
use serde_json::json;

const ANNA: [&str; 3] = ["anna", "tiktok", "13.8M"];

fn work(server: &Server) -> std::sync::Arc<dyn Processor> {
    processor(&format!("key = ['handle']\n[work]\nkind = 'http'\nurl = '{}/rows?v=1'\n", server.base))
}

async fn answered(status: u16, body: &'static str) -> Answer {
    let server =
        Server::start(move |_| Response::builder().status(status).body(Body::from(body)).unwrap()).await;
    one(&*work(&server), ANNA).await
}

#[tokio::test]
async fn a_row_is_sent_as_the_contract_says() {
    let server = Server::start(|_| Response::new(Body::empty())).await;
    let work = work(&server);
    assert!(work.calls_out());
    let mut call = call(&[ANNA]);
    call.attempt = 3;
    assert_eq!(told(work.process(&call).await.remove(0)).0, Outcome::Added, "2xx with no body is added");
    let seen = server.seen().remove(0);
    let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(seen.uri, "/rows?v=1");
    assert_eq!(
        body,
        json!({ "job_id": "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000", "row": 1, "attempt": 3, "key": "anna",
                "fields": { "handle": "anna", "platform": "tiktok", "followers": "13.8M" } })
    );
    assert_eq!(seen.headers["idempotency-key"], "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000/1/1");
    assert_eq!(seen.headers["traceparent"], "00-0199aaaabbbb7ccc8dddeeeeffff0000-0000000100000003-01");
    assert_eq!(seen.headers["onward-job"], "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000");
    assert_eq!(
        (&seen.headers["onward-row"], &seen.headers["onward-try"]),
        (&"1".parse().unwrap(), &"3".parse().unwrap())
    );
    assert_eq!(seen.headers["content-type"], "application/json");
}

#[tokio::test]
async fn the_target_says_what_became_of_the_row() {
    for (body, outcome, code, message) in [
        (r#"{"outcome":"added"}"#, Outcome::Added, "added", "added"),
        (
            r#"{"outcome":"skipped","code":"known","message":"seen before"}"#,
            Outcome::Skipped,
            "known",
            "seen before",
        ),
        (r#"{"outcome":"filtered","code":"","message":""}"#, Outcome::Filtered, "filtered", "filtered"),
        (
            r#"{"outcome":"failed","message":"two\nlines canary-42"}"#,
            Outcome::Failed,
            "failed",
            "two lines (secret)",
        ),
        (" ", Outcome::Added, "added", "added"),
    ] {
        let found = told(answered(200, body).await);
        assert_eq!(found, (outcome, code.to_owned(), message.to_owned()), "{body}");
    }
    let verdict = verdict(answered(201, r#"{"outcome":"added","result":{"id": 7}}"#).await);
    assert_eq!(verdict.result.as_deref(), Some(r#"{"id": 7}"#));
}

#[tokio::test]
async fn an_answer_in_another_form_fails_the_row() {
    for body in ["ok", "[]", "{}", r#"{"outcome":"done"}"#, r#"{"outcome":1}"#, "{\"outcome\":\"added\""] {
        assert_eq!(told(answered(200, body).await).1, "bad-answer", "{body}");
    }
    for (status, code) in [(400, "http-4xx"), (401, "http-4xx"), (403, "not-allowed"), (404, "not-found")] {
        let (outcome, found, _) = told(answered(status, "").await);
        assert_eq!((outcome, found.as_str()), (Outcome::Failed, code), "{status}");
    }
    assert!(matches!(answered(500, "").await, Answer::Retry { .. }));
    assert!(matches!(answered(429, "").await, Answer::Throttled { wait_ms: 1_000, .. }));
}

#[test]
fn addresses_are_checked_before_any_row() {
    let public = Settings { outbound: Outbound::PublicOnly { allow: vec![] }, ..settings() };
    let recipe = |url: &str| Recipe::parse(&format!("[work]\nkind = 'http'\nurl = '{url}'\n")).unwrap();
    for (url, code) in [
        ("http://127.0.0.1/", "blocked-address"),
        ("file:///etc/passwd", "recipe-invalid"),
        ("http://{{ handle }}/", "recipe-invalid"),
        ("http://user@example.com/", "blocked-address"),
    ] {
        assert_eq!(build(&recipe(url), &public).err().expect(url).code.word(), code, "{url}");
    }
    assert!(build(&recipe("https://example.com/rows"), &public).is_ok());
}
