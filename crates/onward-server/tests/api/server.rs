//! Health, metrics, and the description of the API as a snapshot.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::{Server, csv};

#[tokio::test]
async fn health_and_metrics_answer() {
    let server = Server::open().await;
    let job = server.job(&csv(2)).await;
    server.until_status(&job, "completed").await;
    assert_eq!(server.get("/livez").await.json()["status"], "alive");
    assert_eq!(server.get("/readyz").await.json()["status"], "ready");
    let metrics = server.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    for line in [
        "onward_jobs_all 1",
        "onward_jobs{status=\"running\"} 0",
        "# TYPE onward_http_requests_total counter",
    ] {
        assert!(metrics.text.lines().any(|found| found == line), "{line}\n{}", metrics.text);
    }
}

/// `ONWARD_UPDATE_SNAPSHOTS=1 cargo test -p onward-server openapi` writes the file anew.
#[tokio::test]
async fn the_openapi_description_changes_only_with_its_snapshot() {
    let server = Server::open().await;
    let found = serde_json::to_string_pretty(&server.get("/openapi.json").await.json()).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if std::env::var_os("ONWARD_UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == found, "docs/openapi.json is not up to date; see the comment on this test");
}

#[tokio::test]
async fn every_route_is_described_and_every_description_is_a_route() {
    let server = Server::open().await;
    let document = server.get("/openapi.json").await.json();
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            described.insert(format!("{method} {path}"));
        }
    }
    assert_eq!(routes().difference(&described).count(), 0);
    assert_eq!(described.difference(&routes()).count(), 0);
}

#[tokio::test]
async fn every_reference_in_the_description_leads_somewhere() {
    let server = Server::open().await;
    let document = server.get("/openapi.json").await.json();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 20);
    for reference in references {
        let place = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(place).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn the_docs_name_every_operation_and_load_nothing_from_elsewhere() {
    let server = Server::open().await;
    let page = server.get("/docs").await.text;
    let document = server.get("/openapi.json").await.json();
    for path in document["paths"].as_object().unwrap().keys() {
        assert!(page.contains(path.as_str()), "{path}");
    }
    assert!(!page.contains("style=") && !page.contains("src=\"http"));
}

/// The routes as they stand in the router's source: a router cannot be asked.
fn routes() -> BTreeSet<String> {
    let mut routes = BTreeSet::new();
    for call in include_str!("../../src/router.rs").split(".route(").skip(1) {
        let path = call.split('"').nth(1).unwrap();
        let handlers = call.split('"').nth(2).unwrap();
        for method in ["get", "post", "put", "patch", "delete"] {
            if handlers.contains(&format!("{method}(")) {
                routes.insert(format!("{method} {path}"));
            }
        }
    }
    routes
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
