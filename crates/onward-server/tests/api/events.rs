//! The event streams: snapshot first, then what changes, and going on after a break.

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, header};
use futures::StreamExt;
use serde_json::Value;

use crate::support::{Server, csv, request};

/// One event of a stream.
#[derive(Debug)]
struct Event {
    kind: String,
    id: Option<u64>,
    data: Value,
}

/// A stream as a client reads it.
struct Events {
    body: BodyDataStream,
    text: String,
}

impl Events {
    async fn open(server: &Server, path: &str, last: Option<&str>) -> Self {
        let mut request = request(Method::GET, path).header(header::ACCEPT_ENCODING, "gzip");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = server.raw(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert!(response.headers().get(header::CONTENT_ENCODING).is_none(), "a stream is never compressed");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event; `None` when the stream has ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (read(event), rest.to_owned());
                self.text = rest;
                if let Some(event) = event {
                    return Some(event);
                }
                continue;
            }
            let wait = tokio::time::timeout(std::time::Duration::from_secs(60), self.body.next());
            let bytes = wait.await.expect("an event comes")?.unwrap();
            self.text += std::str::from_utf8(&bytes).unwrap();
        }
    }

    /// The next event of this kind.
    async fn until(&mut self, kind: &str) -> Event {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event.kind == kind {
                return event;
            }
        }
    }
}

fn read(text: &str) -> Option<Event> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let data = serde_json::from_str(field("data")?).unwrap();
    Some(Event { kind: field("event")?.to_owned(), id: field("id").map(|id| id.parse().unwrap()), data })
}

#[tokio::test]
async fn the_state_comes_first_and_then_every_change() {
    let server = Server::shut().await;
    let job = server.job(&csv(3)).await;
    let mut events = Events::open(&server, "/api/v1/events", None).await;
    let first = events.next().await.unwrap();
    assert_eq!((first.kind.as_str(), first.data["jobs"][0]["job_id"].as_str()), ("snapshot", Some(&*job)));
    assert!(first.id.is_some());
    server.act(&job, "force-cancel").await;
    let cancelled = loop {
        let event = events.until("job").await;
        if event.data["status"] == "cancelled" {
            break event;
        }
    };
    assert_eq!(cancelled.data["allowed_actions"], serde_json::json!(["resume"]));
    assert!(cancelled.id > first.id);
    server.app.engine.delete(job.parse().unwrap()).await.unwrap();
    assert_eq!(events.until("deleted").await.data["job_id"], job.as_str());
}

#[tokio::test]
async fn the_stream_of_one_job_is_silent_about_others() {
    let server = Server::shut().await;
    let (mine, other) = (server.job(&csv(3)).await, server.job(&csv(4)).await);
    let mut events = Events::open(&server, &format!("/api/v1/jobs/{mine}/events"), None).await;
    assert_eq!(events.next().await.unwrap().data["job"]["job_id"], mine.as_str());
    server.act(&other, "force-cancel").await;
    server.act(&mine, "force-cancel").await;
    loop {
        let event = events.until("job").await;
        assert_eq!(event.data["job_id"], mine.as_str());
        if event.data["status"] == "cancelled" {
            break;
        }
    }
}

#[tokio::test]
async fn a_client_that_comes_back_gets_the_changes_it_missed() {
    let server = Server::shut().await;
    let job = server.job(&csv(3)).await;
    server.until_status(&job, "running").await;
    let seen = Events::open(&server, "/api/v1/events", None).await.next().await.unwrap().id.unwrap();
    server.act(&job, "force-cancel").await;
    server.act(&job, "resume").await;
    let mut events = Events::open(&server, "/api/v1/events", Some(&seen.to_string())).await;
    assert_eq!(events.next().await.unwrap().kind, "snapshot");
    let (first, second) = (events.until("change").await, events.until("change").await);
    assert_eq!(first.data["kind"], "cancelled");
    assert_eq!(second.data["kind"], "resumed");
    assert!(Some(seen) < first.id && first.id < second.id);
}

#[tokio::test]
async fn an_event_id_that_is_none_of_ours_gets_everything_anew() {
    let server = Server::shut().await;
    server.job(&csv(3)).await;
    for id in ["garbage", "-1", "99999999", "18446744073709551616"] {
        let mut events = Events::open(&server, "/api/v1/events", Some(id)).await;
        assert_eq!(events.next().await.unwrap().kind, "resync", "{id}");
        assert_eq!(events.next().await.unwrap().kind, "snapshot", "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_falls_behind_gets_everything_anew() {
    let server = Server::shut().await;
    let job = server.job(&csv(3)).await;
    let mut events = Events::open(&server, "/api/v1/events", None).await;
    assert_eq!(events.next().await.unwrap().kind, "snapshot");
    // More state changes than the shared ring of 1,024 holds, told while this client does not read.
    let mut watch = server.app.engine.subscribe().await.unwrap();
    let id = job.parse().unwrap();
    for number in 0..1_200 {
        let name = Some(format!("name {number}"));
        server.app.engine.tune(id, name, onward_engine::Limits::default(), "test").await.unwrap();
    }
    let mut told = 0;
    while told < 1_200 {
        match watch.events.recv().await {
            Ok(_) => told += 1,
            Err(tokio::sync::broadcast::error::RecvError::Lagged(missed)) => told += missed,
            Err(closed) => panic!("{closed}"),
        }
    }
    assert_eq!(events.until("resync").await.data["reason"], "too-far-behind");
    assert_eq!(events.next().await.unwrap().kind, "snapshot");
}

#[tokio::test]
async fn places_are_limited_and_freed_when_a_client_leaves() {
    let server = Server::with(0, |settings| settings.max_streams = 1).await;
    let first = Events::open(&server, "/api/v1/events", None).await;
    let full = server.get("/api/v1/events").await;
    assert_eq!(full.problem(), (503, "too-many-streams".to_owned()));
    assert!(full.header("retry-after").parse::<u64>().unwrap() > 0);
    drop(first);
    Events::open(&server, "/api/v1/events", None).await;
}

#[tokio::test]
async fn a_server_that_stops_ends_its_streams() {
    let server = Server::shut().await;
    let mut events = Events::open(&server, "/api/v1/events", None).await;
    assert_eq!(events.next().await.unwrap().kind, "snapshot");
    server.app.shutdown.cancel();
    assert!(events.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_comes_every_15_seconds() {
    let server = Server::shut().await;
    let mut events = Events::open(&server, "/api/v1/events", None).await;
    events.next().await.unwrap();
    let begun = tokio::time::Instant::now();
    while !events.text.starts_with(": ") && !events.text.starts_with(':') {
        let bytes = events.body.next().await.unwrap().unwrap();
        events.text += std::str::from_utf8(&bytes).unwrap();
    }
    assert!(begun.elapsed().as_secs() <= 15);
}
