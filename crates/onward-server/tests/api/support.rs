//! A server to test against: router, engine, a store in memory, and work that a test can hold up.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use onward_core::id::JobId;
use onward_core::processor::{Answer, Call, Processor};
use onward_core::row::{Outcome, Verdict};
use onward_engine::{Engine, FeedEvent, Settings as EngineSettings, Snapshot};
use onward_server::{App, Settings, router};
use onward_store::open::Mode;
use serde_json::Value;
use tokio::sync::Semaphore;
use tower::ServiceExt;

/// The recipe of all tests.
pub(crate) const RECIPE: &str = "key = [\"handle\"]\n[work]\nkind = \"creators\"\nconcurrency = 4\n";
/// How long a test waits for something that must come; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server and the gate its work passes.
pub(crate) struct Server {
    pub(crate) app: App,
    /// Each row takes one permit and keeps it; a test adds as many as rows may be done.
    pub(crate) gate: Arc<Semaphore>,
}

/// An answer that was read to its end.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The status and the problem's code.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16());
        assert_eq!(body["request_id"], self.header("x-request-id"));
        let code = body["code"].as_str().unwrap().to_owned();
        assert_eq!(body["type"], format!("/problems/{code}"));
        (self.status.as_u16(), code)
    }
}

impl Server {
    /// With the gate open: every row is done at once.
    pub(crate) async fn open() -> Self {
        Self::with(Semaphore::MAX_PERMITS, |_| {}).await
    }

    /// With the gate shut: every row hangs until the test lets it pass.
    pub(crate) async fn shut() -> Self {
        Self::with(0, |_| {}).await
    }

    pub(crate) async fn with(permits: usize, change: impl FnOnce(&mut Settings)) -> Self {
        let gate = Arc::new(Semaphore::new(permits));
        let work = Arc::new(Gated { gate: Arc::clone(&gate) });
        let store = onward_store::open::open("memory:", Mode::Serve).unwrap();
        let settings = EngineSettings { max_jobs: 8, worker_name: "test".to_owned() };
        let engine =
            Engine::new(store, Arc::new(move |_| Ok(Arc::clone(&work) as Arc<dyn Processor>)), settings);
        engine.start_work();
        let mut settings = Settings::new("127.0.0.1:7313".parse().unwrap());
        change(&mut settings);
        Self { app: App::new(engine, settings), gate }
    }

    pub(crate) async fn raw(&self, request: Request<Body>) -> Response {
        router(self.app.clone()).oneshot(request).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.raw(request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Reply { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(request(Method::GET, path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, json: &str) -> Reply {
        let request = request(Method::POST, path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(json.to_owned())).unwrap()).await
    }

    /// An action on a job, without a body.
    pub(crate) async fn act(&self, job: &str, action: &str) -> Reply {
        let path = format!("/api/v1/jobs/{job}/{action}");
        self.send(request(Method::POST, &path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn submit(&self, csv: &str) -> Reply {
        self.send(upload("/api/v1/jobs", &[("file", Some("list.csv"), csv), ("recipe", None, RECIPE)])).await
    }

    /// The id of a new job.
    pub(crate) async fn job(&self, csv: &str) -> String {
        let reply = self.submit(csv).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
        reply.json()["job_id"].as_str().unwrap().to_owned()
    }

    /// The job once it looks as wanted.
    pub(crate) async fn until(&self, job: &str, wanted: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let id: JobId = job.parse().unwrap();
        let wait = async {
            let mut feed = self.app.engine.subscribe().await.unwrap();
            loop {
                let snapshot = self.app.engine.job(id).await.unwrap();
                if wanted(&snapshot) {
                    return snapshot;
                }
                loop {
                    match feed.events.recv().await.unwrap() {
                        FeedEvent::Job { snapshot, .. } if snapshot.job.id == id => break,
                        FeedEvent::Job { .. } | FeedEvent::Deleted { .. } => {}
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the job never came to look as wanted")
    }

    /// The job once its status is this.
    pub(crate) async fn until_status(&self, job: &str, status: &str) -> Snapshot {
        self.until(job, |snapshot| snapshot.job.state.word() == status).await
    }
}

/// A request as a script sends it.
pub(crate) fn request(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:7313")
}

/// A part of an upload: name, file name, content.
pub(crate) type Part<'a> = (&'a str, Option<&'a str>, &'a str);

/// A multipart request.
pub(crate) fn upload(path: &str, parts: &[Part<'_>]) -> Request<Body> {
    let request =
        request(Method::POST, path).header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut-here");
    request.body(Body::from(multipart(parts))).unwrap()
}

pub(crate) fn multipart(parts: &[Part<'_>]) -> String {
    let mut body = String::new();
    for (name, file, content) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        body += &format!(
            "--cut-here\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n"
        );
    }
    body + "--cut-here--\r\n"
}

/// A list of so many handles; `bad` ones fail.
pub(crate) fn csv(rows: usize) -> String {
    (1..=rows).fold("handle,note\n".to_owned(), |csv, row| csv + &format!("anna{row},n{row}\n"))
}

/// Passes the gate, then adds; handles that begin with `bad` fail.
struct Gated {
    gate: Arc<Semaphore>,
}

#[async_trait]
impl Processor for Gated {
    fn calls_out(&self) -> bool {
        true
    }

    async fn process(&self, call: &Call) -> Vec<Answer> {
        let mut answers = Vec::new();
        for row in &call.rows {
            self.gate.acquire().await.unwrap().forget();
            let handle = call.field(row, "handle").unwrap_or_default();
            answers.push(Answer::Done(if handle.starts_with("bad") {
                Verdict::new(Outcome::Failed, "bad-handle", "the handle is bad")
            } else {
                Verdict::added()
            }));
        }
        answers
    }
}
